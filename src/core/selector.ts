/** The points that a change is about: a verb's `which`, and the same in the bodies of the service. */
import Type, { type TSchema } from 'typebox'
import { invalid } from './errors.js'
import { Filter, hasNoConditions } from './filter.js'
import type { PointId } from './point.js'
import { integer, missing, opaque, optional, recursive } from './vocabulary/declare.js'
import { isPlain, read } from './vocabulary/reader.js'

/**
 * The points of a change: by id, by a filter, or all of them with `all: true`. A filter without conditions matches
 * every point, so it is refused without `all: true`.
 */
export type Selector<Path extends string = string> =
  | readonly PointId[]
  | { ids: readonly PointId[] | Uint32Array | BigUint64Array }
  | { filter: Filter<Path>; all?: boolean }
  | { all: true }

export const POINT_ID = Type.Union(
  [integer({ description: 'Unsigned, of 64 bits.' }), Type.String({ description: 'A UUID.' })],
  { $id: 'PointId', description: 'An unsigned 64-bit integer, or a UUID.' },
)
/** A Uint8Array has ids as one MessagePack bin, on the wire only. */
const IDS = [Uint32Array, BigUint64Array, Uint8Array]
/** Ids are not checked one by one here, since lists are long: `encodeId` checks them. */
export const PointIds = opaque<readonly PointId[] | Uint32Array | BigUint64Array>({
  description: 'Ids of points. In MessagePack also a bin of 64-bit little-endian words.',
  as: Type.Array(POINT_ID),
  accepts: (value) => Array.isArray(value) || IDS.some((type) => value instanceof type),
  expected: 'an array of ids',
})
const filter = recursive<Filter>((): TSchema => Filter)

/** Properties of the service's bodies: one of the first two is given. */
export const SELECTED = {
  points: optional(recursive<readonly PointId[] | BigUint64Array>(() => PointIds)),
  filter: optional(filter),
  shardKey: missing('Shards of a cluster.'),
}

const Which = Type.Object({
  which: Type.Union(
    [
      PointIds,
      Type.Object({
        ids: optional(PointIds),
        filter: optional(filter),
        all: optional(Type.Boolean({ description: 'Every point.' })),
      }),
    ],
    { expected: 'ids or a filter', choose: (which: unknown) => (Array.isArray(which) ? 0 : isPlain(which) ? 1 : -1) },
  ),
})

/** A verb's `which` in one form of the three, so that nobody selects every point by oversight. */
export function readSelector(which: unknown): { ids: readonly PointId[] } | { filter: Filter } | { all: true } {
  if (Array.isArray(which)) return { ids: which }
  const { ids, filter, all } = read(Which, { which }, 'library').which as Readonly<Record<string, never>>
  if ((ids !== undefined) === (filter !== undefined || all === true)) {
    throw invalid('which', 'expected either ids or a filter', which)
  }
  if (ids !== undefined) return { ids: Array.isArray(ids) ? ids : Array.from(ids as Uint32Array) }
  if (filter === undefined) return { all: true }
  if (all === true || !hasNoConditions(filter)) return { filter }
  throw invalid('which.filter', 'expected a condition; to select every point, pass { all: true }', filter)
}
