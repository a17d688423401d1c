/**
 * MessagePack as the wire has it: looked through by a scan (wire-msgpack-scan.ts), then made into values by msgpackr. A bin comes out as a
 * view of the body, and no key can reach a prototype.
 */
import { randomBytes } from 'node:crypto'
import { Unpackr } from 'msgpackr/unpack'
import { BODY_BOUNDS, type Measured, type ValueBounds } from './body-bounds.js'
import { type MsgpackScan, scanMsgpack } from './wire-msgpack-scan.js'

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'auto' as never })
/** For what the other one changes: here all maps come as a Map, all long integers as bigints. */
const carefulUnpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' as never })
/** msgpackr keeps a view of what it read last, until it reads something else. */
const LARGE_BYTES = 64 * 1024
const NOTHING = Buffer.of(0xc0)

const BYTE_ORDER_MARK = '\ufeff'
const MARK_BYTES = 3
/** Stands in the place of a byte order mark. No sender can know it. */
const STAND_IN = randomBytes(16).toString('hex')
const STAND_IN_BYTES = Buffer.from(STAND_IN)
/** First bytes of texts with a length of 8 bits, and of 32 bits. */
const TEXT_8 = 0xd9
const TEXT_32 = 0xdb

export function decodeMsgpack(bytes: Buffer, field = 'body', bounds: ValueBounds = BODY_BOUNDS): unknown {
  return valuesOf(bytes, scanMsgpack(bytes, field, bounds, false))
}

/** Of a request. Its vectors come as bins, also where they are arrays of numbers. Throws at what is malformed, or beyond the bounds. */
export function measureMsgpack(bytes: Buffer, field = 'body', bounds: ValueBounds = BODY_BOUNDS): Measured {
  const scan = scanMsgpack(bytes, field, bounds, true)
  return { valueBytes: scan.valueBytes, make: () => valuesOf(bytes, scan) }
}

function valuesOf(bytes: Buffer, { isOdd, marked, lifted }: MsgpackScan): unknown {
  const isRewritten = lifted !== null && !lifted.isEmpty
  const read = isRewritten ? lifted.rewritten() : bytes
  if (isOdd || marked.length > 0) {
    return plain(carefulUnpackr.unpack(withStandIns(read, isRewritten ? lifted.placesOf(marked) : marked)))
  }
  const value: unknown = unpackr.unpack(read)
  if (read.length > LARGE_BYTES) unpackr.unpack(NOTHING)
  return value
}

/** The same bytes, but for the byte order marks that these texts begin with. */
function withStandIns(bytes: Buffer, marked: readonly number[]): Buffer {
  const parts: Buffer[] = []
  let copied = 0
  for (const start of marked) {
    const first = bytes[start] as number
    const size = first < TEXT_8 ? 0 : 1 << (first - TEXT_8)
    const length = size === 0 ? first & 0x1f : bytes.readUIntBE(start + 1, size)
    const head = Buffer.alloc(5, TEXT_32)
    head.writeUInt32BE(length - MARK_BYTES + STAND_IN.length, 1)
    parts.push(bytes.subarray(copied, start), head, STAND_IN_BYTES)
    copied = start + 1 + size + MARK_BYTES
  }
  return Buffer.concat([...parts, bytes.subarray(copied)])
}

/** Maps as objects, long integers as numbers where those are exact. The scan has bounded the depth of this recursion. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return marked(value)
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (Array.isArray(value)) return value.map(plain)
  if (!(value instanceof Map)) return value
  const record: Record<string, unknown> = {}
  for (const [key, one] of value as Map<string, unknown>) {
    const property = { value: plain(one), enumerable: true, configurable: true, writable: true }
    Object.defineProperty(record, marked(key), property)
  }
  return record
}

function marked(text: string): string {
  return text.startsWith(STAND_IN) ? BYTE_ORDER_MARK + text.slice(STAND_IN.length) : text
}
