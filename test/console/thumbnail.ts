/** Small pictures: a sky over a sea, whose colours are those of a number. */
import { crc32, deflateSync } from 'node:zlib'

const WIDTH = 96
const HEIGHT = 48
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const RGB_OF_8_BITS = [8, 2, 0, 0, 0]

/** A PNG as a data URI. */
export function thumbnailOf(id: number): string {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(WIDTH, 0)
  head.writeUInt32BE(HEIGHT, 4)
  const parts = [
    part('IHDR', Buffer.concat([head, Buffer.from(RGB_OF_8_BITS)])),
    part('IDAT', deflateSync(Buffer.concat(Array.from({ length: HEIGHT }, (_, y) => line(id, y / HEIGHT))))),
    part('IEND', Buffer.alloc(0)),
  ]
  return `data:image/png;base64,${Buffer.concat([SIGNATURE, ...parts]).toString('base64')}`
}

/** One colour a line, after the byte of the filter "none". */
function line(id: number, down: number): Buffer {
  const hue = (id * 0.618) % 1
  const isSky = down < 0.6
  const colour = [0, 1, 2].map((channel) => {
    const wave = 0.5 + 0.5 * Math.cos(2 * Math.PI * (hue + channel / 3 + down / 4))
    return Math.round(isSky ? 110 + 130 * wave : 20 + 110 * wave)
  })
  return Buffer.from([0, ...Array.from({ length: WIDTH }, () => colour).flat()])
}

function part(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}
