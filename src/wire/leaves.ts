/** How bodies of the service have the values that are read as a whole: vectors as numbers or bins, ids one by one or as a bin. */
import type { PointId } from '../core/point.js'
import { leaf, VectorInput } from '../core/query-leaves.js'
import { opaque } from '../core/vocabulary/declare.js'
import type { Leaves, Read } from '../core/vocabulary/reading.js'
import { bytesAt, idAt, idsAt, isObject } from './fields.js'
import { namedVectorAt, vectorAt } from './points.js'

export const PointIds = opaque<readonly PointId[]>({
  description: 'Ids of points; in MessagePack also a bin of 64-bit little-endian words.',
  type: 'array',
})

export const WIRE_LEAVES: Leaves = new Map<object, Read>([
  [VectorInput, leaf(inputOf)],
  [PointIds, leaf(idsOf)],
]) as Leaves

/** A vector, or an id. Sparse vectors and texts to embed come as objects with keys of their own. */
function inputOf(value: unknown, field: () => string): VectorInput {
  if (value instanceof Float32Array || typeof value === 'number') return value
  if (bytesAt(value) || Array.isArray(value)) return vectorAt(value, field())
  return isObject(value) ? namedVectorAt(value, field()) : idAt(value, field())
}

function idsOf(value: unknown, field: () => string): readonly PointId[] {
  const ids = idsAt(value, field())
  return Array.isArray(ids) ? ids : Array.from(ids as BigUint64Array)
}
