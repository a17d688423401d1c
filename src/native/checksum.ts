// Stands in until the addon loads: replaced by a call of it.
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  return crc >>> 0
})

/** CRC-32C, continuing from `seed`. */
export function crc32c(data: Uint8Array, seed = 0): number {
  let crc = ~seed >>> 0
  for (let i = 0; i < data.length; i++) crc = (table[(crc ^ (data[i] as number)) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
