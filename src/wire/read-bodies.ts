/** Bodies of reads, declared with the options of the library. Payloads are asked for as text throughout. */
import Type, { type Static, type TSchema } from 'typebox'
import type { RetrieveOptions, ScrollOptions } from '../core/database.js'
import { LIMITS } from '../core/limits.js'
import type { PointId } from '../core/point.js'
import {
  type FacetOptions,
  facetFields,
  groupsFields,
  matrixFields,
  type QueryGroupsOptions,
  type QueryOptions,
  queryFields,
  type SearchMatrixOptions,
} from '../core/query.js'
import { RETURNED_ALIASES, type ReadOptions, returned } from '../core/read-options.js'
import { type CountOptions, countFields, scrollFields } from '../core/scroll.js'
import { flag } from '../core/vocabulary/declare.js'
import { read } from '../core/vocabulary/reader.js'
import { PointIds, WIRE_LEAVES } from './leaves.js'

/** Ours: whether the answer is to say how it was found. */
export const explained = { explain: flag('Not in Qdrant: adds the plan of the query to the answer. Default false.') }
/** Of all reads: the aliases of what is returned, and keys whose meaning this version does not have. */
const OF_READS = { aliases: RETURNED_ALIASES, unsupported: ['shard_key'] }
/** Fields of groups, for the paths of violations. */
const OF_GROUPS = new Set(['groupBy', 'groupSize', 'limit', 'withLookup'])

/** Qdrant's own types of bodies hold their fields in a field that the body does not show. */
export function inside(name: string) {
  return { ...OF_READS, within: () => name }
}
export function insideGroups(name: string) {
  return { ...OF_READS, within: (field: string) => (OF_GROUPS.has(field) ? `${name}.group_request` : name) }
}

export const QueryRequest = Type.Object(
  { ...queryFields, ...returned, ...explained },
  { $id: 'QueryRequest', description: 'The best points of a query.', ...inside('internal') },
)
export const QueryBatchRequest = batchOf(QueryRequest, 'QueryRequestBatch')
export const QueryGroupsRequest = Type.Object(
  { ...groupsFields, ...returned, ...explained },
  { $id: 'QueryGroupsRequest', description: 'The best points of each group.', ...insideGroups('search_group_request') },
)
export const FacetRequest = Type.Object(facetFields, {
  $id: 'FacetRequest',
  description: 'The number of points with each value of a field.',
  ...inside('facet_request'),
})
export const SearchMatrixRequest = Type.Object(
  { ...matrixFields, ...explained },
  {
    $id: 'SearchMatrixRequest',
    description: 'Points chosen at random, and their distances.',
    ...inside('search_request'),
  },
)
export const ScrollRequest = Type.Object(
  { ...scrollFields, ...returned },
  { $id: 'ScrollRequest', description: 'A page of points.', ...inside('scroll_request') },
)
export const PointRequest = Type.Object(
  { ids: PointIds, ...returned },
  { $id: 'PointRequest', description: 'Points by their ids.', ...inside('point_request') },
)
export const CountRequest = Type.Object(countFields, {
  $id: 'CountRequest',
  description: 'The number of points that match.',
  ...inside('count_request'),
})

export function batchOf<T extends TSchema>(search: T, $id: string) {
  return Type.Object(
    { searches: Type.Array(search, { description: 'Answered in this order.', maxItems: LIMITS.batchQueries }) },
    { $id, description: 'Several searches.' },
  )
}

/** The body, which may be left out where nothing in it is needed. */
export function bodyOf<T extends TSchema>(declaration: T, body: unknown): Static<T> {
  return read(declaration, body ?? {}, 'wire', 'body', WIRE_LEAVES)
}

/** What the library is asked, and whether the answer is to be explained. */
export interface Asked<Options> {
  options: Options
  explain: boolean
}

/** A body with the defaults of the wire. */
export function askedOf<Options extends ReadOptions>(
  { explain = false, ...options }: Options & { explain?: boolean },
  withPayload = false,
): Asked<Options> {
  const { withPayload: asked = withPayload } = options
  return { options: { ...options, withPayload: asked, rawPayload: true } as unknown as Options, explain }
}

export function queryOf(body: unknown): Asked<QueryOptions> {
  return askedOf(bodyOf(QueryRequest, body))
}

export function queriesOf(body: unknown): Asked<QueryOptions>[] {
  return bodyOf(QueryBatchRequest, body).searches.map((search) => askedOf(search))
}

export function queryGroupsOf(body: unknown): Asked<QueryGroupsOptions> {
  return askedOf(bodyOf(QueryGroupsRequest, body))
}

export function facetOf(body: unknown): FacetOptions {
  return bodyOf(FacetRequest, body)
}

export function matrixOf(body: unknown): Asked<SearchMatrixOptions> {
  const { explain = false, ...options } = bodyOf(SearchMatrixRequest, body)
  return { options, explain }
}

export function scrollOf(body: unknown): ScrollOptions {
  return askedOf(bodyOf(ScrollRequest, body), true).options
}

export function retrieveOf(body: unknown): { ids: readonly PointId[]; options: RetrieveOptions } {
  const { ids, ...options } = bodyOf(PointRequest, body)
  return { ids, options: askedOf(options, true).options }
}

export function countOf(body: unknown): CountOptions {
  return bodyOf(CountRequest, body)
}
