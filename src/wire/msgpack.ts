/**
 * MessagePack as the wire has it: looked through by a scan (wire-msgpack-scan.ts), then made into values by msgpackr. A bin comes out as a
 * view of the body, and no key can reach a prototype.
 */
import { randomBytes } from 'node:crypto'
import { Unpackr } from 'msgpackr/unpack'
import { BODY_BOUNDS, type Measured, type ValueBounds } from './body-bounds.js'
import { type MsgpackScan, scanMsgpack } from './msgpack-scan.js'

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'auto' as never })
/** For bodies with something that the other one changes: here all long integers are bigints. */
const carefulUnpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'bigint' as never })
/** msgpackr keeps a view of the last bytes that it read, until it reads others. */
const LARGE_BYTES = 64 * 1024
const NOTHING = Buffer.of(0xc0)

const BYTE_ORDER_MARK = '\ufeff'
const BYTE_ORDER_MARK_BYTES = Buffer.from(BYTE_ORDER_MARK)
const PROTO = '__proto__'
/**
 * They replace a byte order mark at the beginning of a text, and a key `__proto__`, and stand before keys that are
 * indices: an object that is given the key `1023` makes room for all indices below it. No sender can know them.
 */
const SECRET = randomBytes(12).toString('base64')
const MARK_STAND_IN = `${SECRET}m`
const PROTO_STAND_IN = `${SECRET}p`
const INDEX_STAND_IN = `${SECRET}i`
const MARK_STAND_IN_BYTES = Buffer.from(MARK_STAND_IN)
const PROTO_STAND_IN_BYTES = Buffer.from(PROTO_STAND_IN)
const INDEX_STAND_IN_BYTES = Buffer.from(INDEX_STAND_IN)
const PROTO_BYTE = PROTO.charCodeAt(0)
/** First bytes of texts with a length of 8 bits, and of 32 bits. */
const TEXT_8 = 0xd9
const TEXT_32 = 0xdb
const TEXT_32_HEAD_BYTES = 5

export function decodeMsgpack(bytes: Buffer, field = 'body', bounds: ValueBounds = BODY_BOUNDS): unknown {
  return valuesOf(bytes, scanMsgpack(bytes, field, bounds, false))
}

/** Of a request. Its vectors come as bins, also where they are arrays of numbers. Throws if the body is malformed or beyond the bounds. */
export function measureMsgpack(bytes: Buffer, field = 'body', bounds: ValueBounds = BODY_BOUNDS): Measured {
  const scan = scanMsgpack(bytes, field, bounds, true)
  return { valueBytes: scan.valueBytes, make: () => valuesOf(bytes, scan) }
}

function valuesOf(bytes: Buffer, { hasOddInteger, oddTexts, lifted }: MsgpackScan): unknown {
  const isRewritten = lifted !== null && !lifted.isEmpty
  const read = isRewritten ? lifted.rewritten() : bytes
  if (hasOddInteger || oddTexts.length > 0) {
    return plain(carefulUnpackr.unpack(withStandIns(read, isRewritten ? lifted.placesOf(oddTexts) : oddTexts)))
  }
  const value: unknown = unpackr.unpack(read)
  if (read.length > LARGE_BYTES) unpackr.unpack(NOTHING)
  return value
}

/** The same bytes, with stand-ins for beginnings of texts that msgpackr would change. */
function withStandIns(bytes: Buffer, odd: readonly number[]): Buffer {
  const out = Buffer.allocUnsafeSlow(bytes.length + odd.length * (TEXT_32_HEAD_BYTES + MARK_STAND_IN.length))
  let written = 0
  let copied = 0
  for (const start of odd) {
    const first = bytes[start] as number
    const size = first < TEXT_8 ? 0 : 1 << (first - TEXT_8)
    const length = size === 0 ? first & 0x1f : bytes.readUIntBE(start + 1, size)
    const begin = start + 1 + size
    const [standIn, dropped] = standInFor(bytes[begin] as number)
    written += bytes.copy(out, written, copied, start)
    out[written] = TEXT_32
    written = out.writeUInt32BE(length - dropped + standIn.length, written + 1)
    written += standIn.copy(out, written)
    copied = begin + dropped
  }
  written += bytes.copy(out, written, copied)
  return out.subarray(0, written)
}

/** By the first byte of an odd text: its stand-in, and the number of bytes that this replaces. */
function standInFor(first: number): [standIn: Buffer, dropped: number] {
  if (first === BYTE_ORDER_MARK_BYTES[0]) return [MARK_STAND_IN_BYTES, BYTE_ORDER_MARK_BYTES.length]
  return first === PROTO_BYTE ? [PROTO_STAND_IN_BYTES, PROTO.length] : [INDEX_STAND_IN_BYTES, 0]
}

/** The value with the original texts, and with long integers as numbers where those are exact. The scan has bounded this recursion. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (typeof value[i] !== 'number') value[i] = plain(value[i])
    return value
  }
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  const record = value as Record<string, unknown>
  const keys = Object.keys(record)
  if (keys.some((key) => key.startsWith(SECRET))) return renamed(record, keys)
  for (const key of keys) record[key] = plain(record[key])
  return record
}

/** JSON.parse sets any key, `__proto__` too, and makes no room for indices that are not there. */
function renamed(record: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  const named = keys.map((key) => `${JSON.stringify(plainText(key))}:0`)
  const plainly = JSON.parse(`{${named.join(',')}}`) as Record<string, unknown>
  for (const key of keys) plainly[plainText(key)] = plain(record[key])
  return plainly
}

function plainText(text: string): string {
  if (!text.startsWith(SECRET)) return text
  if (text.startsWith(MARK_STAND_IN)) return BYTE_ORDER_MARK + text.slice(MARK_STAND_IN.length)
  if (text.startsWith(INDEX_STAND_IN)) return text.slice(INDEX_STAND_IN.length)
  return PROTO
}
