import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where SlateDB's manifest, a table of FlatBuffers behind a version of two bytes, has its checkpoints. */
const VERSION_BYTES = 2
const CHECKPOINTS = 11
const OFFSET_BYTES = 4

/** The ids of the checkpoints in the newest manifest of a database's folder. */
export function checkpointsIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.manifest'))
  const bytes = readFileSync(join(folder, names.sort().at(-1) as string))
  const target = (at: number) => at + bytes.readUInt32LE(at)
  const field = (table: number, index: number) => {
    const places = table - bytes.readInt32LE(table)
    const place = places + 4 + 2 * index
    const offset = place < places + bytes.readUInt16LE(places) ? bytes.readUInt16LE(place) : 0
    return offset === 0 ? null : table + offset
  }
  const list = field(target(VERSION_BYTES), CHECKPOINTS)
  if (list === null) return []
  const first = target(list)
  return Array.from({ length: bytes.readUInt32LE(first) }, (_, i) => {
    const id = field(target(first + OFFSET_BYTES * (i + 1)), 0) as number
    const uuid = target(id)
    const halves = [field(uuid, 0), field(uuid, 1)].map((at) => (at === null ? 0n : bytes.readBigUInt64LE(at)))
    return halves.map((half) => half.toString(16).padStart(16, '0')).join('')
  })
}
