/** Bodies of changes other than whole points, by their declaration: payload verbs, deletes, and the batch of all of them. */
import type { Static, TSchema } from 'typebox'
import type { Selector, WriteOperation } from '../core/database.js'
import type { Filter } from '../core/filter.js'
import type { PointId } from '../core/point.js'
import { PayloadChange, PayloadRemoval, PointChanges, PointsSelector, VectorRemoval } from '../core/point-changes.js'
import { read } from '../core/vocabulary/reader.js'
import { snakeCase } from '../core/vocabulary/spelling.js'
import { mistyped } from './fields.js'
import { upsertIn, vectorUpdatesIn, WRITE_LEAVES } from './points.js'

interface Selected {
  points?: readonly PointId[] | BigUint64Array
  filter?: Filter
}
/** One of points and filter is given. As in Qdrant, a filter without conditions selects every point. */
function withSelector<A extends Selected>({ points, filter, ...others }: A, at = '') {
  if ((points === undefined) === (filter === undefined)) {
    throw mistyped(`${at}points`, 'either points or filter')
  }
  if (filter !== undefined) return { ...others, which: { filter, all: true } as Selector }
  return {
    ...others,
    which: { ids: Array.isArray(points) ? points : Array.from(points as BigUint64Array) } as Selector,
  }
}

function withNames({ vector, ...others }: Selected & { vector: string[] }, at = '') {
  return { ...withSelector(others, at), names: vector }
}

function bodyOf<T extends TSchema>(schema: T, body: unknown): Static<T> {
  return read(schema, body, 'wire', 'body', WRITE_LEAVES)
}

export function payloadChangeOf(body: unknown) {
  return withSelector(bodyOf(PayloadChange, body))
}

export function payloadDeleteOf(body: unknown) {
  return withSelector(bodyOf(PayloadRemoval, body))
}

export function vectorDeleteOf(body: unknown) {
  return withNames(bodyOf(VectorRemoval, body))
}

export function deleteOf(body: unknown): Selector {
  return withSelector(bodyOf(PointsSelector, body)).which
}

/** Of each operation, its arguments as the library has them. */
const READERS: Readonly<Record<WriteOperation['op'], (body: never, at: string) => object>> = {
  upsert: upsertIn,
  delete: withSelector,
  setPayload: withSelector,
  overwritePayload: withSelector,
  deletePayload: withSelector,
  clearPayload: withSelector,
  updateVectors: vectorUpdatesIn,
  deleteVectors: withNames,
}

export function operationsOf(body: unknown): WriteOperation[] {
  const { operations } = bodyOf(PointChanges, body)
  return operations.map((operation, i) => {
    const [[op, change]] = Object.entries(operation) as [[WriteOperation['op'], never]]
    return { op, ...READERS[op](change, `operations[${i}].${snakeCase(op)}.`) } as unknown as WriteOperation
  })
}
