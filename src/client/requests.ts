/** Values of the Database interface as bodies of the service: snake_case, vectors as bins. */

import type { TSchema } from 'typebox'
import { Document } from '../core/bm25.js'
import type {
  CallOptions,
  ColumnarPoints,
  Selector,
  UpdateCondition,
  WriteOperation,
  WriteOptions,
} from '../core/database.js'
import { invalid, UnfitVector } from '../core/errors.js'
import { Filter } from '../core/filter.js'
import { given, givenList, LIBRARY_LEAVES } from '../core/given-options.js'
import { checkColumns, checkDocument, checkPoint, KNOWN_POINT, KNOWN_VECTOR_UPDATE } from '../core/known-points.js'
import {
  isNumbers,
  type MultiVector,
  type NamedVector,
  type Point,
  type PointId,
  type PointVector,
  type SparseVector,
  type Vector,
} from '../core/point.js'
import { QueryOptions } from '../core/query.js'
import { leaf, VectorInput } from '../core/query-leaves.js'
import type { ReadOptions } from '../core/read-options.js'
import { Repair, RepairResult } from '../core/repair.js'
import { readSelector } from '../core/selector.js'
import { isDocument, isSparseVector, sparseVectorOf } from '../core/sparse.js'
import { read } from '../core/vocabulary/reader.js'
import { type Leaves, Reading } from '../core/vocabulary/reading.js'
import { snakeCase } from '../core/vocabulary/spelling.js'
import { spelled, tell } from '../core/vocabulary/teller.js'

/** Vectors travel as bins. */
export const CLIENT_LEAVES: Leaves = new Map([
  ...LIBRARY_LEAVES,
  [
    VectorInput,
    leaf((value, field) => {
      if (!isVector(value) && !isSparseVector(value)) checkDocument(value, field())
      return vectorBody(value as NamedVector, field())
    }),
  ],
])

const spellFilter = spelled(Filter)

/** The filter with the wire's names. The service checks its values. */
function filterBody(filter: unknown, field: string): unknown {
  return spellFilter(filter ?? undefined, { parent: null, key: field }, new Reading('library', field))
}

export function selectorBody(which: Selector): { points?: readonly PointId[]; filter?: object } {
  const selected = readSelector(which)
  if ('ids' in selected) return { points: selected.ids }
  return { filter: 'filter' in selected ? (filterBody(selected.filter, 'filter') as object) : {} }
}

/** `isJudged`: the collection has rules, and a sparse vector that they may judge is sent as it is. */
export function pointBody(point: Point<unknown>, field: string, isJudged = false): object {
  if (point === null || typeof point !== 'object') throw invalid(field, 'expected a point', point)
  checkPoint(point, KNOWN_POINT, field)
  const { id, vector, payload } = point
  return { id, vector: pointVectorBody(vector, `${field}.vector`, isJudged), payload: payload ?? undefined }
}

function vectorUpdateBody(update: { id: PointId; vector: PointVector }, field: string): object {
  checkPoint(update, KNOWN_VECTOR_UPDATE, field)
  return { id: update.id, vector: pointVectorBody(update.vector, `${field}.vector`) }
}

function pointVectorBody(vector: PointVector, field: string, isJudged = false): unknown {
  if (ArrayBuffer.isView(vector) && !isVector(vector))
    throw invalid(field, 'expected a vector, or a record of vectors by name', vector)
  const isRecord = vector !== null && typeof vector === 'object' && !isVector(vector)
  if (!isRecord) return vectorBody(vector as Vector | MultiVector, field)
  const bodyOfOne = (one: NamedVector, name: string) =>
    isJudged && isSparseVector(one) ? judgedSparse(one, `${field}.${name}`) : vectorBody(one, `${field}.${name}`)
  return mapValues(vector as Record<string, NamedVector>, bodyOfOne)
}

function judgedSparse(vector: SparseVector, field: string): SparseVector {
  try {
    return sparseVectorOf(vector, field)
  } catch (error) {
    if (!(error instanceof UnfitVector)) throw error
    return { indices: Array.from(vector.indices), values: Array.from(vector.values) }
  }
}

/** Numbers are checked here, since a bin holds only numbers. */
export function vectorBody(vector: NamedVector, field: string): unknown {
  if (isSparseVector(vector)) return sparseVectorOf(vector, field)
  if (isDocument(vector)) return tell(Document, checkDocument(vector, field))
  if (!Array.isArray(vector)) return vector
  if (isVector(vector[0])) return vector.map((one, i) => vectorBody(one as Vector, `${field}[${i}]`))
  const floats = new Float32Array(vector.length)
  for (let i = 0; i < vector.length; i++) {
    const value: unknown = vector[i]
    if (typeof value !== 'number') throw invalid(`${field}[${i}]`, 'expected a number', value)
    floats[i] = value
  }
  return floats
}

export function isVector(value: unknown): value is Vector {
  return isNumbers(value)
}

/** An operation of a batch, which has been read, under the name that the wire has for it. */
export function operationBody(operation: WriteOperation<unknown>, at: number): object {
  const { op } = operation
  const field = `operations[${at}].`
  if (op === 'upsert') return { upsert: { ...upsertBody(operation.points, field), ...conditionBody(operation) } }
  if (op === 'updateVectors') return { update_vectors: vectorUpdatesBody(operation.points, operation, field) }
  if (op === 'deleteVectors') return { delete_vectors: { vector: operation.names, ...selectorBody(operation.which) } }
  const { op: _, which, ...others } = operation
  return { [snakeCase(op)]: { ...others, ...selectorBody(which) } }
}

export function conditionBody({ updateFilter, updateMode }: UpdateCondition): object {
  return { update_filter: filterBody(updateFilter, 'updateFilter'), update_mode: updateMode }
}

export function vectorUpdatesBody(
  points: readonly { id: PointId; vector: PointVector }[],
  condition: UpdateCondition,
  at = '',
): object {
  if (!Array.isArray(points)) throw invalid(`${at}points`, 'expected an array of points', points)
  return { points: points.map((one, i) => vectorUpdateBody(one, `${at}points[${i}]`)), ...conditionBody(condition) }
}

export function upsertBody(points: readonly Point<unknown>[] | ColumnarPoints, field = ''): object {
  if (Array.isArray(points)) return { points: points.map((point, i) => pointBody(point, `${field}points[${i}]`)) }
  checkColumns(points, `${field}points.`)
  return { batch: columnsBody(points as ColumnarPoints) }
}

/** 64-bit ids travel as one bin; others one by one. */
export function columnsBody({ ids, vectors, payloads }: ColumnarPoints): object {
  const columns = ArrayBuffer.isView(vectors)
    ? vectors
    : mapValues(vectors, (column, name) =>
        Array.isArray(column) ? column.map((one, row) => vectorBody(one, `vectors.${name}[${row}]`)) : column,
      )
  return { ids: ids instanceof Uint32Array ? BigUint64Array.from(ids, BigInt) : ids, vectors: columns, payloads }
}

function mapValues<T>(record: Readonly<Record<string, T>>, map: (value: T, key: string) => unknown): object {
  const mapped = Object.entries(record ?? {}).map(([key, value]) => [key, map(value, key)])
  return Object.fromEntries(mapped) as object
}

/** Options as the declaration reads them, with vectors as they travel. */
export function readAs<O>(declaration: TSchema, options: unknown): O {
  return given(declaration, options, CLIENT_LEAVES) as O
}

/** The body of options that were read. The library returns payloads unless told otherwise; on the wire a query does not. */
export function bodyOf(declaration: TSchema, options: object, more: object = {}): object {
  const { withPayload = true } = options as ReadOptions
  return { ...(tell(declaration, { ...options, withPayload }) as object), ...more }
}

export function queriesIn(asked: readonly QueryOptions[], call: CallOptions): QueryOptions[] {
  if (!Array.isArray(asked)) throw invalid('queries', 'expected an array of queries', asked)
  return givenList(QueryOptions, asked, 'queries', call, CLIENT_LEAVES) as QueryOptions[]
}

export function repairBody(repair: Repair): object {
  return tell(Repair, read(Repair, repair, 'library', 'repair')) as object
}

export function repairedOf(result: unknown): RepairResult {
  return read(RepairResult, result, 'wire', 'result')
}

export const EXPLAIN = { explain: true }

export function positionOf(answer: unknown): number {
  return (answer as { position: number }).position
}

/** In the library a write waits by default; over HTTP it does not. */
export function writePath(path: string, { wait = true }: WriteOptions): string {
  return `${path}?wait=${wait}`
}
