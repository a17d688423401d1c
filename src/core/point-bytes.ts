/** How large points are, before they are encoded. */
import { invalid } from './errors.js'
import { LIMITS } from './limits.js'
import type { Point } from './point.js'
import { RawJson } from './point.js'

/**
 * The service bounds objects and values as well as bytes. A text, bin, array or map counts as so many bytes at least, and so does a
 * number: a body of 64 MiB then keeps to LIMITS.bodyObjects and LIMITS.bodyValues.
 */
export const OBJECT_BYTES = 64
const SCALAR_BYTES = 16
/** An id, its share of the envelope, and the names of its fields; and its map. */
export const POINT_OVERHEAD_BYTES = 64 + OBJECT_BYTES
/** Before a text, bin, array or map. */
const HEAD_BYTES = 5
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

const FLOAT_BYTES = 4
/** A record of names, a list of vectors, and numbers in them. */
const MOST_VECTOR_DEPTH = 4

/** About how many bytes a point takes in a write. */
export function pointBytes({ vector, payload }: Point<unknown>, field: string): number {
  const isNumbers = Array.isArray(vector) && typeof vector[0] === 'number'
  return (
    POINT_OVERHEAD_BYTES +
    (isNumbers ? FLOAT_BYTES * vector.length : vectorBytes(vector)) +
    payloadBytes(payload, `${field}.payload`)
  )
}

export function vectorBytes(vector: unknown, depth = 0): number {
  if (ArrayBuffer.isView(vector)) return Math.max(OBJECT_BYTES, HEAD_BYTES + vector.byteLength)
  if (typeof vector === 'string') return HEAD_BYTES + Buffer.byteLength(vector)
  if (typeof vector === 'number') return SCALAR_BYTES
  if (vector === null || typeof vector !== 'object' || depth > MOST_VECTOR_DEPTH) return 0
  let bytes = 0
  for (const [name, one] of Object.entries(vector)) bytes += name.length + vectorBytes(one, depth + 1)
  return bytes
}

/** An upper bound of the payload's bytes in MessagePack, up to the few bytes of the longest heads. */
export function payloadBytes(payload: unknown, field: string, depth = 0): number {
  if (typeof payload === 'string') return Math.max(OBJECT_BYTES, HEAD_BYTES + Buffer.byteLength(payload))
  if (payload === null || typeof payload !== 'object') return SCALAR_BYTES
  if (payload instanceof RawJson) return textBytes(payload.text)
  if (depth > LIMITS.jsonDepth) throw invalid(field, `expected at most ${LIMITS.jsonDepth} nested levels`)
  let bytes = OBJECT_BYTES
  if (Array.isArray(payload)) for (const value of payload) bytes += payloadBytes(value, field, depth + 1)
  else
    for (const [key, value] of Object.entries(payload)) bytes += keyBytes(key) + payloadBytes(value, field, depth + 1)
  return bytes
}

function keyBytes(key: string): number {
  return HEAD_BYTES + Buffer.byteLength(key)
}

/** Of JSON. There is an object at most for each comma, and for each bracket that opens. */
function textBytes(text: string): number {
  let objects = 1
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at)
    if (letter === COMMA || letter === OPEN_ARRAY || letter === OPEN_OBJECT) objects++
  }
  return Math.max(OBJECT_BYTES * objects, HEAD_BYTES + Buffer.byteLength(text))
}
