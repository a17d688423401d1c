/** Values of the Database interface as bodies of the service: snake_case, vectors as bins. */
import type {
  ColumnarPoints,
  ReadOptions,
  ScrollOptions,
  Selector,
  UpdateCondition,
  WriteOperation,
} from '../core/database.js'
import { invalid } from '../core/errors.js'
import { Filter } from '../core/filter.js'
import { checkColumns, checkPoint, checkSelector, KNOWN_POINT, KNOWN_VECTOR_UPDATE } from '../core/known-points.js'
import { checkOrderBy } from '../core/known-query.js'
import {
  isNumbers,
  type MultiVector,
  type NamedVector,
  type Point,
  type PointId,
  type PointVector,
  type Vector,
} from '../core/point.js'
import type { OrderBy } from '../core/query.js'
import { Reading } from '../core/vocabulary/reading.js'
import { spelled } from '../core/vocabulary/spelled.js'

export function scrollBody(options: ScrollOptions): object {
  const { filter, limit, offset, orderBy } = options
  checkOrderBy(orderBy, '')
  return {
    ...fieldsBody(options),
    filter: filterBody(filter),
    limit,
    offset: offset ?? undefined,
    order_by: orderBy === undefined || orderBy === null ? undefined : orderByBody(orderBy),
  }
}

const spellFilter = spelled(Filter)

/** The filter with the wire's names; the service checks what it says. */
export function filterBody(filter: unknown, field = 'filter'): unknown {
  return spellFilter(filter ?? undefined, { parent: null, key: field }, new Reading('library', field))
}

export function orderByBody(orderBy: string | OrderBy): unknown {
  if (orderBy === null || typeof orderBy !== 'object') return orderBy
  const { key, direction, startFrom } = orderBy
  return { key, direction, start_from: startFrom }
}

export function retrieveBody(ids: readonly PointId[], options: ReadOptions): object {
  return { ids, ...fieldsBody(options) }
}

/** The library returns payloads unless told otherwise; on the wire a query does not. */
export function fieldsBody({ withPayload, withVector }: ReadOptions): object {
  return { with_payload: withPayload ?? true, with_vector: withVector }
}

export function selectorBody(which: Selector): { points?: readonly PointId[]; filter?: object } {
  if (Array.isArray(which)) return { points: which }
  checkSelector(which)
  const { ids, filter, all } = (which ?? {}) as { ids?: readonly PointId[]; filter?: object; all?: boolean }
  const selected = (filterBody(filter) as object | undefined) ?? (all === true ? {} : undefined)
  // Both, or neither, go as they are: the service says what is wrong with them.
  return { ...(ids === undefined ? {} : { points: ids }), ...(selected === undefined ? {} : { filter: selected }) }
}

export function pointBody(point: Point<unknown>, field: string): object {
  if (point === null || typeof point !== 'object') throw invalid(field, 'expected a point', point)
  checkPoint(point, KNOWN_POINT, field)
  const { id, vector, payload } = point
  return { id, vector: pointVectorBody(vector, `${field}.vector`), payload: payload ?? undefined }
}

export function vectorUpdateBody(update: { id: PointId; vector: PointVector }, field: string): object {
  checkPoint(update, KNOWN_VECTOR_UPDATE, field)
  return { id: update.id, vector: pointVectorBody(update.vector, `${field}.vector`) }
}

function pointVectorBody(vector: PointVector, field: string): unknown {
  const isRecord = vector !== null && typeof vector === 'object' && !isVector(vector)
  if (!isRecord) return vectorBody(vector as Vector | MultiVector, field)
  return mapValues(vector as Record<string, NamedVector>, (one, name) =>
    isVector(one) ? vectorBody(one, `${field}.${name}`) : one,
  )
}

/** Numbers are checked here, since a bin cannot hold what is no number. */
export function vectorBody(vector: Vector | MultiVector, field: string): unknown {
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

export function operationBody(operation: WriteOperation<unknown>, at: number): object {
  const field = `operations[${at}]`
  switch (operation.op) {
    case 'upsert':
      return { upsert: { ...upsertBody(operation.points, field), ...conditionBody(operation, `${field}.`) } }
    case 'updateVectors':
      return {
        update_vectors: {
          points: operation.points.map((one, i) => vectorUpdateBody(one, `${field}.points[${i}]`)),
          update_filter: filterBody(operation.updateFilter, `${field}.updateFilter`),
        },
      }
    case 'deleteVectors':
      return { delete_vectors: { vector: operation.names, ...selectorBody(operation.which) } }
    case 'delete':
      return { delete: selectorBody(operation.which) }
    case 'setPayload':
      return { set_payload: payloadBody(operation) }
    case 'overwritePayload':
      return { overwrite_payload: payloadBody(operation) }
    case 'deletePayload':
      return { delete_payload: { keys: operation.keys, ...selectorBody(operation.which) } }
    case 'clearPayload':
      return { clear_payload: selectorBody(operation.which) }
    default:
      throw invalid(`${field}.op`, 'expected a known operation', (operation as { op: unknown }).op)
  }
}

export function conditionBody({ updateFilter, updateMode }: UpdateCondition, field = ''): object {
  return { update_filter: filterBody(updateFilter, `${field}updateFilter`), update_mode: updateMode ?? undefined }
}

export function payloadBody(change: { payload: unknown; which: Selector; key?: string | undefined }): object {
  return { payload: change.payload, key: change.key, ...selectorBody(change.which) }
}

export function upsertBody(points: readonly Point<unknown>[] | ColumnarPoints, field = ''): object {
  if (Array.isArray(points)) return { points: points.map((point, i) => pointBody(point, `${field}points[${i}]`)) }
  checkColumns(points, `${field}points.`)
  return { batch: columnsBody(points as ColumnarPoints) }
}

/** 64-bit ids travel as one bin; others one by one. */
export function columnsBody({ ids, vectors, payloads }: ColumnarPoints): object {
  return { ids: ids instanceof Uint32Array ? BigUint64Array.from(ids, BigInt) : ids, vectors, payloads }
}

function mapValues<T>(record: Readonly<Record<string, T>>, map: (value: T, key: string) => unknown): object {
  const mapped = Object.entries(record ?? {}).map(([key, value]) => [key, map(value, key)])
  return Object.fromEntries(mapped) as object
}
