/** Changes of points, as bodies of the service have them, with the arguments of the library's verbs. */
import type { Static } from 'typebox'
import type { ColumnarPoints, Selector, WriteOperation } from '../core/database.js'
import type { Filter } from '../core/filter.js'
import type { Point, PointId, PointVector } from '../core/point.js'
import type { PointChanges, PointInsert, VectorRemoval, VectorUpdates } from '../core/point-changes.js'

interface Selected {
  points?: readonly PointId[] | Uint32Array | BigUint64Array
  filter?: Filter
  shardKey?: undefined
}

export function selected<A extends Selected>({ points, filter, ...others }: A) {
  const which = filter === undefined ? { ids: points as readonly PointId[] } : { filter, all: true }
  return { ...others, which: which as Selector }
}

export function named({ vector, ...others }: Static<typeof VectorRemoval>) {
  return { ...selected(others), names: vector }
}

export function inserted({ points, batch, ...condition }: Static<typeof PointInsert>) {
  return { ...condition, points: (batch ?? points) as ColumnarPoints | Point[] }
}

export function updated(updates: Static<typeof VectorUpdates>) {
  return updates as Omit<typeof updates, 'points'> & { points: { id: PointId; vector: PointVector }[] }
}

/** Of each operation, its arguments as the library has them. */
const ARGUMENTS: Readonly<Record<WriteOperation['op'], (change: never) => object>> = {
  upsert: inserted,
  delete: selected,
  setPayload: selected,
  overwritePayload: selected,
  deletePayload: selected,
  clearPayload: selected,
  updateVectors: updated,
  deleteVectors: named,
}

export function operationsOf({ operations }: Static<typeof PointChanges>): WriteOperation[] {
  return operations.map((operation) => {
    const [[op, change]] = Object.entries(operation) as [[WriteOperation['op'], never]]
    return { op, ...ARGUMENTS[op](change) } as WriteOperation
  })
}
