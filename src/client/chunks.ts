/** Splits points into requests that stay below the service's bound on a body. */
import type { ColumnarPoints, ColumnarVectors, UpdateCondition } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { checkColumns } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import { type Payload, type Point, RawJson } from '../core/point.js'
import { encodeMsgpack } from '../wire/msgpack-encoder.js'
import { columnsBody, conditionBody, pointBody } from './requests.js'

/**
 * Least bytes that an object or a value counts as. The service bounds objects and values as well as bytes. With these,
 * a body of 64 MiB keeps to LIMITS.bodyObjects and LIMITS.bodyValues.
 */
const OBJECT_BYTES = 64
const SCALAR_BYTES = 16
/** An id, its share of the envelope, the names of its fields, and its map. */
const POINT_OVERHEAD_BYTES = 64 + OBJECT_BYTES
/** Head of a text, bin, array or map. */
const HEAD_BYTES = 5
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

/** Bodies of upserts, each at most about `maxBytes`. A larger point is sent alone. */
export function* upsertBodies(
  points: readonly Point<unknown>[] | ColumnarPoints,
  maxBytes: number,
  condition: UpdateCondition = {},
): Generator<Buffer> {
  const bodies = Array.isArray(points)
    ? pointBodies(points, maxBytes)
    : columnBodies(points as ColumnarPoints, maxBytes)
  const beside = conditionBody(condition)
  for (const body of bodies) yield encodeMsgpack({ ...body, ...beside }, { rawJson: 'text' })
}

function* pointBodies(points: readonly Point<unknown>[], maxBytes: number): Generator<object> {
  let chunk: object[] = []
  let bytes = 0
  for (let i = 0; i < points.length; i++) {
    const body = pointBody(points[i] as Point<unknown>, `points[${i}]`) as { vector: unknown; payload?: unknown }
    const size = POINT_OVERHEAD_BYTES + vectorBytes(body.vector) + payloadBytes(body.payload)
    if (chunk.length > 0 && (bytes + size > maxBytes || chunk.length >= LIMITS.batchPoints)) {
      yield { points: chunk }
      chunk = []
      bytes = 0
    }
    chunk.push(body)
    bytes += size
  }
  if (chunk.length > 0 || points.length === 0) yield { points: chunk }
}

function vectorBytes(vector: unknown): number {
  if (ArrayBuffer.isView(vector)) return Math.max(OBJECT_BYTES, HEAD_BYTES + vector.byteLength)
  if (typeof vector === 'string') return HEAD_BYTES + Buffer.byteLength(vector)
  if (typeof vector === 'number') return SCALAR_BYTES
  if (vector === null || typeof vector !== 'object') return 0
  let bytes = 0
  for (const [name, one] of Object.entries(vector)) bytes += name.length + vectorBytes(one)
  return bytes
}

/** An upper bound of the value's size in MessagePack, apart from a few bytes of the longest heads. */
function payloadBytes(payload: unknown): number {
  if (typeof payload === 'string') return Math.max(OBJECT_BYTES, HEAD_BYTES + Buffer.byteLength(payload))
  if (payload === null || typeof payload !== 'object') return SCALAR_BYTES
  if (payload instanceof RawJson) return textBytes(payload.text)
  let bytes = OBJECT_BYTES
  if (Array.isArray(payload)) for (const value of payload) bytes += payloadBytes(value)
  else for (const [key, value] of Object.entries(payload)) bytes += keyBytes(key) + payloadBytes(value)
  return bytes
}

function keyBytes(key: string): number {
  return HEAD_BYTES + Buffer.byteLength(key)
}

/** The same for JSON text, which has at most one object for each comma and opening bracket. */
function textBytes(text: string): number {
  let objects = 1
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at)
    if (letter === COMMA || letter === OPEN_ARRAY || letter === OPEN_OBJECT) objects++
  }
  return Math.max(OBJECT_BYTES * objects, HEAD_BYTES + Buffer.byteLength(text))
}

function* columnBodies(points: ColumnarPoints, maxBytes: number): Generator<object> {
  checkColumns(points, '')
  const { ids, vectors, payloads } = points
  const count = ids?.length
  if (typeof count !== 'number') throw invalid('ids', 'expected an array of ids', ids)
  const columns = vectors instanceof Float32Array ? { '': vectors } : vectors
  const rowBytes = rowBytesOf(columns, count)
  let start = 0
  do {
    let bytes = 0
    let end = start
    while (end < count && end - start < LIMITS.batchPoints) {
      const size = rowBytes + listedBytes(columns, end) + payloadBytes(payloads?.[end])
      if (end > start && bytes + size > maxBytes) break
      bytes += size
      end++
    }
    yield { batch: columnsBody(rowsOf(points, start, end)) }
    start = end
  } while (start < count)
}

function rowBytesOf(columns: Readonly<Record<string, ColumnarVectors>>, count: number): number {
  let bytes = POINT_OVERHEAD_BYTES
  for (const [name, column] of Object.entries(columns)) {
    const field = name === '' ? 'vectors' : `vectors.${name}`
    if (Array.isArray(column)) continue
    if (!(column instanceof Float32Array)) throw invalid(field, 'expected a Float32Array', column)
    if (count > 0 && column.length % count !== 0) {
      throw invalid(field, `Vector dimension error: expected a multiple of ${count} numbers`, column.length)
    }
    bytes += count > 0 ? column.byteLength / count : 0
  }
  return bytes
}

/** Bytes of row `at` in the columns with one vector for each point. */
function listedBytes(columns: Readonly<Record<string, ColumnarVectors>>, at: number): number {
  let bytes = 0
  for (const column of Object.values(columns)) if (Array.isArray(column)) bytes += vectorBytes(column[at])
  return bytes
}

/** Rows as views of the columns, so that nothing is copied before encoding. */
function rowsOf({ ids, vectors, payloads }: ColumnarPoints, start: number, end: number): ColumnarPoints {
  const count = ids.length
  const cut = (column: ColumnarVectors) => {
    if (!(column instanceof Float32Array)) return column.slice(start, end)
    const size = count > 0 ? column.length / count : 0
    return column.subarray(start * size, end * size)
  }
  const rows: ColumnarPoints = {
    ids: Array.isArray(ids) ? ids.slice(start, end) : (ids as BigUint64Array | Uint32Array).subarray(start, end),
    vectors:
      vectors instanceof Float32Array
        ? (cut(vectors) as Float32Array)
        : Object.fromEntries(Object.entries(vectors).map(([name, column]) => [name, cut(column)])),
  }
  return payloads ? { ...rows, payloads: payloads.slice(start, end) as (Payload | RawJson | null)[] } : rows
}
