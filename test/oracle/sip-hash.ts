const MASK = 2n ** 64n - 1n

/** SipHash-2-4 as in its paper, with big integers. */
export function sipHash(bytes: Uint8Array, key0 = 0n, key1 = 0n): bigint {
  let [v0, v1, v2, v3] = [
    key0 ^ 0x736f6d6570736575n,
    key1 ^ 0x646f72616e646f6dn,
    key0 ^ 0x6c7967656e657261n,
    key1 ^ 0x7465646279746573n,
  ] as [bigint, bigint, bigint, bigint]
  const rotate = (word: bigint, by: bigint) => ((word << by) | (word >> (64n - by))) & MASK
  const round = () => {
    v0 = (v0 + v1) & MASK
    v1 = rotate(v1, 13n) ^ v0
    v0 = rotate(v0, 32n)
    v2 = (v2 + v3) & MASK
    v3 = rotate(v3, 16n) ^ v2
    v0 = (v0 + v3) & MASK
    v3 = rotate(v3, 21n) ^ v0
    v2 = (v2 + v1) & MASK
    v1 = rotate(v1, 17n) ^ v2
    v2 = rotate(v2, 32n)
  }
  const padded = Buffer.alloc((Math.floor(bytes.length / 8) + 1) * 8)
  padded.set(bytes)
  padded[padded.length - 1] = bytes.length & 0xff
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at)
    v3 ^= word
    round()
    round()
    v0 ^= word
  }
  v2 ^= 0xffn
  for (let i = 0; i < 4; i++) round()
  return v0 ^ v1 ^ v2 ^ v3
}
