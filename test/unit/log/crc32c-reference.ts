const POLYNOMIAL = 0x82f6_3b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc >>> 0
})

/** CRC-32C byte by byte, as in textbooks: the reference for the addon's. */
export function crc32cReference(data: Uint8Array, seed = 0): number {
  let crc = ~seed >>> 0
  for (const byte of data) crc = (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
