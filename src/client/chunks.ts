/** Cuts points into requests that stay under the service's bound on a body. */

import { inSinglePrecision, rowsOf } from '../core/column-rows.js'
import type { ColumnarPoints, ColumnarVectors, UpdateCondition, WriteOperation } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { checkColumns } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import type { NamedVector, Point, PointId } from '../core/point.js'
import { POINT_OVERHEAD_BYTES, payloadBytes, vectorBytes } from '../core/point-bytes.js'
import { encodeRequest } from '../wire/msgpack-request.js'
import { columnsBody, conditionBody, operationBody, pointBody } from './requests.js'
import { UnsentPoints } from './unsent-points.js'

/** And how many points it has. */
type Body = readonly [body: object, points: number, unsent?: UnsentPoints | undefined]

export interface UpsertRequest {
  points: number
  bytes: Buffer
  /** Of a collection with rules: points that the request could not hold. */
  unsent?: UnsentPoints
}

/**
 * Bodies of upserts, each at most about `maxBytes`; a point larger than that goes alone. Errors count points from `first`.
 * `isJudged`: the collection has rules, so that a point which no body can hold fails alone.
 */
export function* upsertRequests(
  points: readonly Point<unknown>[] | ColumnarPoints,
  maxBytes: number,
  condition: UpdateCondition = {},
  first = 0,
  isJudged = false,
): Generator<UpsertRequest> {
  const beside = conditionBody(condition)
  for (const [body, count, unsent] of bodiesOf(points, maxBytes, first, isJudged)) {
    const bytes = encodeRequest({ ...body, ...beside })
    yield { points: count, bytes, ...(unsent ? { unsent } : {}) }
  }
}

function bodiesOf(
  points: readonly Point<unknown>[] | ColumnarPoints,
  maxBytes: number,
  first: number,
  isJudged: boolean,
): Generator<Body> {
  if (Array.isArray(points)) return pointBodies(points, maxBytes, first, isJudged)
  const columns = points as ColumnarPoints
  return isJudged ? pointBodies(pointsOfColumns(columns), maxBytes, first, true) : columnBodies(columns, maxBytes)
}

function* pointBodies(
  points: readonly Point<unknown>[],
  maxBytes: number,
  first: number,
  isJudged: boolean,
): Generator<Body> {
  let chunk: (object | null)[] = []
  let bytes = 0
  let unsent = isJudged ? new UnsentPoints() : undefined
  for (let i = 0; i < points.length; i++) {
    const field = `points[${first + i}]`
    const point = points[i] as Point<unknown>
    const judged = () => judgedBody(point, field)
    let body = unsent ? unsent.bodyOf(chunk.length, judged) : pointBody(point, field)
    const size = sizeOf(body, field)
    if (chunk.length > 0 && (bytes + size > maxBytes || chunk.length >= LIMITS.batchPoints)) {
      yield [{ points: chunk }, chunk.length, unsent]
      chunk = []
      bytes = 0
      // Its row counts in the next request.
      if (unsent) {
        unsent = new UnsentPoints()
        body = unsent.bodyOf(0, judged)
      }
    }
    chunk.push(body)
    bytes += size
  }
  if (chunk.length > 0 || points.length === 0) yield [{ points: chunk }, chunk.length, unsent]
}

/** Throws where no request can hold it. */
function judgedBody(point: Point<unknown>, field: string): object {
  const body = pointBody(point, field, true)
  encodeRequest(body)
  sizeOf(body, field)
  return body
}

function sizeOf(body: object | null, field: string): number {
  if (body === null) return POINT_OVERHEAD_BYTES
  const { vector, payload } = body as { vector: unknown; payload?: unknown }
  return POINT_OVERHEAD_BYTES + vectorBytes(vector) + payloadBytes(payload, `${field}.payload`)
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

/** Columns point by point. Columns as a whole that are none of these ids are refused as ever. */
function pointsOfColumns(given: ColumnarPoints): Point<unknown>[] {
  checkColumns(given, '')
  const points = inSinglePrecision(given)
  const { ids, vectors, payloads } = points
  const columns = Object.entries(vectors instanceof Float32Array ? { '': vectors } : vectors)
  rowBytesOf(Object.fromEntries(columns), ids.length)
  const all: readonly ArrayLike<unknown>[] = columns.flatMap(([, column]) => (Array.isArray(column) ? [column] : []))
  const odd = [...all, ...(payloads ? [payloads] : [])].find(({ length }) => length !== ids.length)
  if (odd) throw invalid('vectors', `expected ${ids.length} values, one for each id`, odd.length)
  const vectorAt = (column: ColumnarVectors, row: number): NamedVector => {
    const size = column.length / ids.length
    return Array.isArray(column) ? column[row] : (column as Float32Array).subarray(row * size, (row + 1) * size)
  }
  return Array.from(ids as ArrayLike<PointId>, (id, row) => ({
    id,
    vector: Object.fromEntries(columns.map(([name, column]) => [name, vectorAt(column, row)])),
    payload: payloads?.[row] ?? null,
  }))
}

/** The body of a batch of operations, and for each of them the points that it could not hold. */
export function operationsRequest(
  operations: readonly WriteOperation<unknown>[],
  isJudged: boolean,
): { bytes: Buffer; unsent: readonly (UnsentPoints | undefined)[] } {
  const requests = operations.map(
    (one, at): JudgedRequest => (isJudged ? judgedOperation(one, at) : { body: operationBody(one, at) }),
  )
  const bytes = encodeRequest({ operations: requests.map(({ body }) => body) })
  return { bytes, unsent: requests.map(({ unsent }) => unsent) }
}

interface JudgedRequest {
  body: object
  unsent?: UnsentPoints
}

function judgedOperation(operation: WriteOperation<unknown>, at: number): JudgedRequest {
  if (operation.op !== 'upsert') return { body: operationBody(operation, at) }
  const { points } = operation
  const unsent = new UnsentPoints()
  const rows = Array.isArray(points) ? points : pointsOfColumns(points as ColumnarPoints)
  const bodies = rows.map((point: Point<unknown>, row) =>
    unsent.bodyOf(row, () => judgedBody(point, `operations[${at}].points[${row}]`)),
  )
  return { body: { upsert: { points: bodies, ...conditionBody(operation) } }, unsent }
}
