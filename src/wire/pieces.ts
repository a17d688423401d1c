/**
 * Large answers as pieces, each written when the one before it is gone: no text of all of it is ever in memory, and
 * between two of them the event loop has time for others.
 */
import { RawJson } from '../core/point.js'

/** Writing so many takes some 200 µs. */
const PIECE_BYTES = 32 * 1024
/** Of a vector's component as text: a sign, a point, nine digits, a comma. */
const COMPONENT_BYTES = 12
/** Of any other value, and of an element or property around its value. */
const VALUE_BYTES = 8

/** A format, as far as containers can be left and entered between two pieces. */
export interface PieceWriter {
  /** Not taken yet. */
  readonly length: number
  beginArray(count: number): void
  /** Keys whose values are undefined are no properties. */
  beginMap(count: number): void
  /** Comes before the `at`-th element, or the `at`-th property, whose key it is. */
  next(at: number, key?: string): void
  /** `key`: where it is a property, which formats may have a say in. */
  whole(value: unknown, key?: string): void
  endArray(): void
  endMap(): void
  /** The bytes written since then. */
  take(): Buffer
}

export function* piecesOf(value: unknown, writer: PieceWriter): Generator<Buffer> {
  yield* walk(value, undefined, writer)
  if (writer.length > 0) yield writer.take()
}

function* walk(value: unknown, key: string | undefined, writer: PieceWriter): Generator<Buffer> {
  if (Array.isArray(value) && isLarger(value, PIECE_BYTES)) yield* walkArray(value, writer)
  else if (isMap(value) && isLarger(value, PIECE_BYTES)) yield* walkMap(value, writer)
  else writer.whole(value, key)
  if (writer.length >= PIECE_BYTES) yield writer.take()
}

function* walkArray(values: readonly unknown[], writer: PieceWriter): Generator<Buffer> {
  writer.beginArray(values.length)
  for (let at = 0; at < values.length; at++) {
    writer.next(at)
    yield* walk(values[at], undefined, writer)
  }
  writer.endArray()
}

function* walkMap(map: Record<string, unknown>, writer: PieceWriter): Generator<Buffer> {
  const keys = Object.keys(map).filter((key) => map[key] !== undefined)
  writer.beginMap(keys.length)
  for (const [at, key] of keys.entries()) {
    writer.next(at, key)
    yield* walk(map[key], key, writer)
  }
  writer.endMap()
}

/** Whether a value takes more than so many bytes as text, about: nothing of it is written to tell. */
export function isLarger(value: unknown, bytes: number): boolean {
  return leftOf(bytes, value) < 0
}

/** Roughly the bytes of a value in memory, before any text is made of it. */
export function heldBytesOf(value: unknown): number {
  return Number.MAX_SAFE_INTEGER - leftOf(Number.MAX_SAFE_INTEGER, value, (view) => view.byteLength)
}

/** The bytes left of a number of bytes after the value. The walk ends when none are left. */
function leftOf(bytes: number, value: unknown, vectorBytes = textBytesOf): number {
  if (typeof value === 'string') return bytes - value.length
  if (typeof value !== 'object' || value === null) return bytes - VALUE_BYTES
  if (value instanceof RawJson) return bytes - value.text.length
  if (ArrayBuffer.isView(value)) return bytes - vectorBytes(value)
  let left = bytes
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && left >= 0; at++) left = leftOf(left - 1, value[at], vectorBytes)
    return left
  }
  for (const key in value) {
    if (left < 0) break
    left = leftOf(left - key.length, (value as Record<string, unknown>)[key], vectorBytes)
  }
  return left
}

function textBytesOf(view: ArrayBufferView): number {
  return (view as Float32Array).length * COMPONENT_BYTES
}

/** Neither of the wire's own leaves: stored JSON, vectors, times. */
function isMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof RawJson || value instanceof Date || ArrayBuffer.isView(value))
}
