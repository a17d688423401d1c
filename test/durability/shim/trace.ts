import { readFileSync } from 'node:fs'

/** One change of the disk, as recorded by shim.c. Paths are relative to the root; '' is the root itself. */
export type TraceEvent =
  | { kind: 'create' | 'mkdir'; path: string; file: number }
  | { kind: 'write'; file: number; offset: number; data: Buffer }
  | { kind: 'truncate'; file: number; size: number }
  | { kind: 'fsync'; file: number }
  | { kind: 'rename' | 'link'; from: string; to: string }
  | { kind: 'unlink' | 'rmdir'; path: string }
  | { kind: 'mark'; text: string }

/** The shim's number for the root folder. */
export const ROOT_FILE = 1

const EVENTS = [
  '',
  'create',
  'write',
  'truncate',
  'fsync',
  'rename',
  'link',
  'unlink',
  'mkdir',
  'rmdir',
  'mark',
] as const
const HEAD_BYTES = 32

export function readTrace(path: string): TraceEvent[] {
  const bytes = readFileSync(path)
  const events: TraceEvent[] = []
  let at = 0
  while (at + HEAD_BYTES <= bytes.length) {
    const pathEnd = at + HEAD_BYTES + bytes.readUInt32LE(at + 4)
    const toEnd = pathEnd + bytes.readUInt32LE(at + 8)
    const dataEnd = toEnd + bytes.readUInt32LE(at + 12)
    // A killed process leaves half a record at the end, of a call that had not returned.
    if (dataEnd > bytes.length) break
    events.push(
      eventOf(
        EVENTS[bytes.readUInt32LE(at)] ?? '',
        Number(bytes.readBigUInt64LE(at + 16)),
        Number(bytes.readBigUInt64LE(at + 24)),
        bytes.toString('utf8', at + HEAD_BYTES, pathEnd),
        bytes.toString('utf8', pathEnd, toEnd),
        bytes.subarray(toEnd, dataEnd),
      ),
    )
    at = dataEnd
  }
  return events
}

function eventOf(kind: string, file: number, number: number, path: string, to: string, data: Buffer): TraceEvent {
  switch (kind) {
    case 'create':
    case 'mkdir':
      return { kind, path, file }
    case 'write':
      return { kind, file, offset: number, data }
    case 'truncate':
      return { kind, file, size: number }
    case 'fsync':
      return { kind, file }
    case 'rename':
    case 'link':
      return { kind, from: path, to }
    case 'unlink':
    case 'rmdir':
      return { kind, path }
    case 'mark':
      return { kind, text: data.toString('utf8') }
    default:
      throw new Error(`trace: unknown event ${kind}`)
  }
}
