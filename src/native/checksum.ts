import { addon } from './load.js'

/** CRC-32C, continuing from `seed`. */
export function crc32c(data: Uint8Array, seed = 0): number {
  return addon().crc32c(data, seed)
}
