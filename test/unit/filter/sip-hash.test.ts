import { describe, expect, it } from 'vitest'
import { sipHash } from '../../oracle/sip-hash.js'

// The kernel's hash is compared with the oracle's; this test compares the oracle's with the paper.
describe('the hash of slices', () => {
  it('is SipHash-2-4 as published', () => {
    const [key0, key1] = [0x0706050403020100n, 0x0f0e0d0c0b0a0908n]
    const input = Uint8Array.from({ length: 15 }, (_, at) => at)
    expect(sipHash(input, key0, key1)).toBe(0xa129ca6149be45e5n)
    expect(sipHash(new Uint8Array(0), key0, key1)).toBe(0x726fdb47dd0e0e31n)
  })
})
