/** Bodies by their declarations; those of reads are declared here, with the options of the library. */
import Type, { type Static, type TSchema } from 'typebox'
import { LIMITS } from '../core/limits.js'
import { facetFields, groupsFields, matrixFields, queryFields } from '../core/query.js'
import { RETURNED_ALIASES, type ReadOptions, returned, shardKey } from '../core/read-options.js'
import { countFields, scrollFields } from '../core/scroll.js'
import { PointIds } from '../core/selector.js'
import { flag } from '../core/vocabulary/declare.js'
import { read } from '../core/vocabulary/reader.js'
import { WIRE_LEAVES } from './leaves.js'

/** Ours: whether the answer is to say how it was found. */
export const explained = { explain: flag('Not in Qdrant: adds the plan of the query to the answer. Default false.') }
/** Fields of groups, for the paths of violations. */
const OF_GROUPS = new Set(['groupBy', 'groupSize', 'limit', 'withLookup'])

/** Qdrant's own types of bodies hold their fields in a field that the body does not show. */
export function inside(name: string) {
  return { aliases: RETURNED_ALIASES, within: () => name }
}
export function insideGroups(name: string) {
  return {
    aliases: RETURNED_ALIASES,
    within: (field: string) => (OF_GROUPS.has(field) ? `${name}.group_request` : name),
  }
}

export const QueryRequest = Type.Object(
  { ...queryFields, ...returned, ...explained, shardKey },
  { $id: 'QueryRequest', description: 'The best points of a query.', ...inside('internal') },
)
export const QueryBatchRequest = batchOf(QueryRequest, 'QueryRequestBatch')
export const QueryGroupsRequest = Type.Object(
  { ...groupsFields, ...returned, ...explained, shardKey },
  { $id: 'QueryGroupsRequest', description: 'The best points of each group.', ...insideGroups('search_group_request') },
)
export const FacetRequest = Type.Object(
  { ...facetFields, shardKey },
  {
    $id: 'FacetRequest',
    description: 'The number of points with each value of a field.',
    ...inside('facet_request'),
  },
)
export const SearchMatrixRequest = Type.Object(
  { ...matrixFields, ...explained, shardKey },
  {
    $id: 'SearchMatrixRequest',
    description: 'Points chosen at random, and their distances.',
    ...inside('search_request'),
  },
)
export const ScrollRequest = Type.Object(
  { ...scrollFields, ...returned, shardKey },
  { $id: 'ScrollRequest', description: 'A page of points.', ...inside('scroll_request') },
)
export const PointRequest = Type.Object(
  { ids: PointIds, ...returned, shardKey },
  { $id: 'PointRequest', description: 'Points by their ids.', ...inside('point_request') },
)
export const CountRequest = Type.Object(
  { ...countFields, shardKey },
  {
    $id: 'CountRequest',
    description: 'The number of points that match.',
    ...inside('count_request'),
  },
)

export function batchOf<T extends TSchema>(search: T, $id: string) {
  return Type.Object(
    { searches: Type.Array(search, { description: 'Answered in this order.', maxItems: LIMITS.batchQueries }) },
    { $id, description: 'Several searches.' },
  )
}

/** A body by its declaration; `body` is null if it is left out. */
export function bodyOf<T extends TSchema>(declaration: T, body: unknown): Static<T> {
  return read(declaration, body, 'wire', 'body', WIRE_LEAVES)
}

/** Options of a read, and whether its answer is to say how it was found. */
export type Asked<Options> = Options & { explain?: boolean }

/** A body with the defaults of the wire. It was made by its reader, so it is completed in place. */
export function askedOf<Options extends ReadOptions>(options: Options, withPayload = false): Options {
  options.withPayload ??= withPayload
  options.rawPayload = true
  return options
}
