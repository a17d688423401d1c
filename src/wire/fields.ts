/**
 * Readers of decoded bodies: each takes an unknown value and its path, and gives a typed value or an error that
 * names the path, the bound and the value. JSON and MessagePack bodies pass through the same readers.
 * null counts as absent, unknown keys are ignored: both as Qdrant does.
 */
import { invalid, VicinalError } from '../core/errors.js'
import { isId, type PointId } from '../core/point.js'
import { ShortCopies } from '../core/short-copies.js'
import { isPlain as isObject } from '../core/vocabulary/reader.js'

export { isObject }

export type WireObject = Readonly<Record<string, unknown>>

export function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

export function objectAt(value: unknown, field: string): WireObject {
  if (!isObject(value)) throw invalid(field, 'expected an object', value ?? null)
  return value
}

export function arrayAt(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, 'expected an array', value ?? null)
  return value
}

export function textAt(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(field, 'expected a text', value ?? null)
  return value
}

/** The engine checks the form of UUIDs, where it encodes the id: a collection's ids may be other texts. */
export function idAt(value: unknown, field: string): PointId {
  if (isId(value)) return value
  throw invalid(field, 'expected an unsigned 64-bit integer or a UUID', value ?? null)
}

/** An array of ids, or a bin of 64-bit little-endian words. */
export function idsAt(value: unknown, field: string): readonly PointId[] | BigUint64Array {
  if (ArrayBuffer.isView(value)) return wordsAt(value as Uint8Array, field)
  const ids = arrayAt(value, field)
  for (let i = 0; i < ids.length; i++) {
    if (!isId(ids[i])) idAt(ids[i], `${field}[${i}]`)
  }
  return ids as readonly PointId[]
}

function wordsAt(bin: Uint8Array, field: string): BigUint64Array {
  const size = BigUint64Array.BYTES_PER_ELEMENT
  if (bin.byteLength % size !== 0) throw invalid(field, `expected a multiple of ${size} bytes`, bin)
  return copied(bin, new BigUint64Array(bin.byteLength / size))
}

/** A bin of little-endian float32, or floats that the kernel took out of JSON. */
export function floatsAt(bin: Uint8Array | Float32Array, field: string): Float32Array {
  if (bin instanceof Float32Array) return bin
  const size = Float32Array.BYTES_PER_ELEMENT
  if (bin.byteLength % size !== 0) throw invalid(field, `expected a multiple of ${size} bytes`, bin)
  return copied(bin, vectors.take(bin.byteLength / size))
}

/** A bin lies anywhere in its body; typed arrays of words need an aligned start. */
function copied<Words extends Float32Array | BigUint64Array>(bin: Uint8Array, words: Words): Words {
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength).set(bin)
  return words
}

/** Of vectors that come one by one. */
const vectors = new ShortCopies<Float32Array>(16_384, (length) => new Float32Array(length))

export function bytesAt(value: unknown): Uint8Array | null {
  return ArrayBuffer.isView(value) ? (value as Uint8Array) : null
}

export function unsupported(field: string): VicinalError {
  return new VicinalError('NOT_IMPLEMENTED', `${field}: not supported yet`, { details: { field } })
}
