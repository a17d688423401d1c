/** Bodies of changes other than whole points, by their declaration: payload verbs, deletes, and the batch of all of them. */
import type { Selector, WriteOperation } from '../core/database.js'
import type { Filter } from '../core/filter.js'
import type { Payload } from '../core/point.js'
import { PayloadChange, PayloadRemoval, PointChanges, PointsSelector, VectorRemoval } from '../core/point-changes.js'
import { read } from '../core/vocabulary/reader.js'
import { snakeCase } from '../core/vocabulary/spelling.js'
import { idsAt, mistyped, type WireObject } from './fields.js'
import { payloadAt, upsertIn, vectorUpdatesIn } from './points.js'

interface Selected {
  points?: unknown
  filter?: Filter
}
/** One of points and filter is given. As in Qdrant, a filter without conditions selects every point. */
function withSelector<A extends Selected>({ points, filter, ...others }: A, at = '') {
  if ((points === undefined) === (filter === undefined)) {
    throw mistyped(`${at}points`, 'either points or filter')
  }
  if (filter !== undefined) return { ...others, which: { filter, all: true } as Selector }
  const ids = idsAt(points, `${at}points`)
  return { ...others, which: { ids: Array.isArray(ids) ? ids : Array.from(ids as BigUint64Array) } as Selector }
}

function withPayload<A extends Selected & { payload: Payload }>(change: A, at = '') {
  return { ...withSelector(change, at), payload: payloadAt(change.payload, `${at}payload`) }
}

function withNames({ vector, ...others }: Selected & { vector: string[] }, at = '') {
  return { ...withSelector(others, at), names: vector }
}

const BODY = 'body'
export function payloadChangeOf(body: WireObject) {
  return withPayload(read(PayloadChange, body, 'wire', BODY))
}

export function payloadDeleteOf(body: WireObject) {
  return withSelector(read(PayloadRemoval, body, 'wire', BODY))
}

export function vectorDeleteOf(body: WireObject) {
  return withNames(read(VectorRemoval, body, 'wire', BODY))
}

export function deleteOf(body: WireObject): Selector {
  return withSelector(read(PointsSelector, body, 'wire', BODY)).which
}

/** Of each operation, its arguments as the library has them. */
const READERS: Readonly<Record<WriteOperation['op'], (body: never, at: string) => object>> = {
  upsert: upsertIn,
  delete: withSelector,
  setPayload: withPayload,
  overwritePayload: withPayload,
  deletePayload: withSelector,
  clearPayload: withSelector,
  updateVectors: vectorUpdatesIn,
  deleteVectors: withNames,
}

export function operationsOf(body: WireObject): WriteOperation[] {
  const { operations } = read(PointChanges, body, 'wire', BODY)
  return operations.map((operation, i) => {
    const [[op, change]] = Object.entries(operation) as [[WriteOperation['op'], never]]
    return { op, ...READERS[op](change, `operations[${i}].${snakeCase(op)}.`) } as unknown as WriteOperation
  })
}
