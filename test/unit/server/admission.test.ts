import { describe, expect, it } from 'vitest'
import { Admission } from '../../../src/server/admission.js'

const MIB = 1024 * 1024
const bounds = { maxConcurrentReads: 2, maxConcurrentWrites: 1, maxBodyBytesInWork: 10 * MIB, maxBodyBytes: 8 * MIB }

describe('Admission', () => {
  it('refuses past the bound, says when to come back, and takes the next once one left', () => {
    const admission = new Admission(bounds)
    admission.enter('read', 0)
    admission.enter('read', 0)
    expect(() => admission.enter('read', 0)).toThrow(
      expect.objectContaining({ code: 'OVERLOADED', retryable: true, retryAfterMs: expect.any(Number) }),
    )
    admission.leave('read', 0)
    expect(() => admission.enter('read', 0)).not.toThrow()
    expect(admission.inWork).toBe(2)
  })

  it('counts reads and writes apart, and health not at all', () => {
    const admission = new Admission(bounds)
    admission.enter('write', 0)
    expect(() => admission.enter('write', 0)).toThrow(/writes/)
    expect(() => admission.enter('read', 0)).not.toThrow()
    for (let i = 0; i < 10; i++) admission.enter('light', 0)
    expect(admission.inWork).toBe(2)
  })

  it('bounds the bytes of all bodies, counting an undeclared length as the largest', () => {
    const admission = new Admission({ ...bounds, maxConcurrentReads: 100 })
    expect(admission.enter('read', 3 * MIB)).toBe(3 * MIB)
    expect(() => admission.enter('read', Number.POSITIVE_INFINITY)).toThrow(/bytes of request bodies/)
    admission.leave('read', 3 * MIB)
    expect(admission.enter('read', Number.POSITIVE_INFINITY)).toBe(8 * MIB)
  })
})
