/** Cuts points into requests that stay under the service's bound on a body. */

import { inSinglePrecision, rowsOf } from '../core/column-rows.js'
import type { ColumnarPoints, ColumnarVectors, UpdateCondition } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { checkColumns } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import type { Point } from '../core/point.js'
import { POINT_OVERHEAD_BYTES, payloadBytes, vectorBytes } from '../core/point-bytes.js'
import { encodeRequest } from '../wire/msgpack-request.js'
import { columnsBody, conditionBody, pointBody } from './requests.js'

/** And how many points it has. */
type Body = readonly [body: object, points: number]

export interface UpsertRequest {
  points: number
  bytes: Buffer
}

/**
 * Bodies of upserts, each at most about `maxBytes`; a point larger than that goes alone. Errors count points from `first`.
 */
export function* upsertRequests(
  points: readonly Point<unknown>[] | ColumnarPoints,
  maxBytes: number,
  condition: UpdateCondition = {},
  first = 0,
): Generator<UpsertRequest> {
  const bodies = Array.isArray(points)
    ? pointBodies(points, maxBytes, first)
    : columnBodies(points as ColumnarPoints, maxBytes)
  const beside = conditionBody(condition)
  for (const [body, count] of bodies) yield { points: count, bytes: encodeRequest({ ...body, ...beside }) }
}

function* pointBodies(points: readonly Point<unknown>[], maxBytes: number, first: number): Generator<Body> {
  let chunk: object[] = []
  let bytes = 0
  for (let i = 0; i < points.length; i++) {
    const body = pointBody(points[i] as Point<unknown>, `points[${first + i}]`) as {
      vector: unknown
      payload?: unknown
    }
    const size =
      POINT_OVERHEAD_BYTES + vectorBytes(body.vector) + payloadBytes(body.payload, `points[${first + i}].payload`)
    if (chunk.length > 0 && (bytes + size > maxBytes || chunk.length >= LIMITS.batchPoints)) {
      yield [{ points: chunk }, chunk.length]
      chunk = []
      bytes = 0
    }
    chunk.push(body)
    bytes += size
  }
  if (chunk.length > 0 || points.length === 0) yield [{ points: chunk }, chunk.length]
}

function* columnBodies(given: ColumnarPoints, maxBytes: number): Generator<Body> {
  checkColumns(given, '')
  const points = inSinglePrecision(given)
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
      const size = rowBytes + listedBytes(columns, end) + payloadBytes(payloads?.[end], `payloads[${end}]`)
      if (end > start && bytes + size > maxBytes) break
      bytes += size
      end++
    }
    yield [{ batch: columnsBody(rowsOf(points, start, end)) }, end - start]
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
