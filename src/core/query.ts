/** Queries and their options, declared once for the library, the service and the client. */
import Type, { type Static, type TSchema } from 'typebox'
import { CALL_OPTIONS } from './call-options.js'
import type { Filter, FilteredBy } from './filter.js'
import { LIMITS } from './limits.js'
import type { PointId } from './point.js'
import { Query } from './query-kinds.js'
import { FilterOf, filter, type VectorInput } from './query-leaves.js'
import { RETURNED_ALIASES, type ReadOptions, readFields, shardKey, WithPayload, WithVector } from './read-options.js'
import { count, flag, type Given, integer, nested, number, oneOrMany, optional, text } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/reader.js'

export * from './query-kinds.js'
export type { VectorInput } from './query-leaves.js'

export const AcornParams = Type.Object(
  {
    enable: flag('No effect.'),
    maxSelectivity: optional(number({ description: 'No effect.', minimum: 0, maximum: 1 })),
  },
  {
    $id: 'AcornParams',
    description: 'Taken as Qdrant has it. A search goes from match to match wherever that costs least, asked or not.',
  },
)
export type AcornParams = Static<typeof AcornParams>

export const IdfParams = Type.Union([Type.Literal('global'), Type.Object({ corpus: FilterOf })], {
  $id: 'IdfParams',
  description: 'Points by which the rarity of an index is counted: all, or those that match a filter.',
  expected: '"global" or { corpus: a filter }',
  choose: (value: unknown) => (value === 'global' ? 0 : isPlain(value) && 'corpus' in value ? 1 : -1),
})
export type IdfParams = Static<typeof IdfParams>

export const QuantizationParams = Type.Object(
  {
    ignore: flag('Compares vectors themselves all the way. Default false.'),
    rescore: flag('`false`: scores come from codes alone, so they are estimates. Default true.'),
    oversampling: optional(
      number({
        description: 'Candidates scored exactly for each point wanted. Default: as many as recall takes.',
        minimum: 1,
        maximum: LIMITS.oversampling,
      }),
    ),
  },
  {
    $id: 'QuantizationParams',
    description:
      'How a search uses codes. By default codes lead, and as many candidates are scored exactly as recall takes.',
  },
)
export type QuantizationParams = Static<typeof QuantizationParams>

/** Declared for the stage too. */
export const recall = optional(
  number({
    description:
      'Mean share of the true neighbours that answers are to have. Default: `recall` of the vector’s graph settings, or else of the collection’s; 0.95 where neither is set. How far the search goes for it is measured on the collection; 1 scans every vector. `hnswEf` overrides it.',
    maximum: 1,
    holds: (share: number) => share > 0,
    expected: 'a number above 0 and at most 1',
  }),
)

export const QueryParams = Type.Object(
  {
    hnswEf: optional(
      integer({
        description: 'Width of the beam: a fixed effort, instead of that which the recall asked for takes.',
        minimum: 1,
        maximum: LIMITS.ef,
      }),
    ),
    exact: flag('Scans every vector. Default false.'),
    indexedOnly: flag('Leaves out vectors that are in no graph yet. Default false.'),
    quantization: optional(QuantizationParams),
    idf: optional(IdfParams),
    acorn: optional(AcornParams),
    recall,
  },
  { $id: 'QueryParams', description: 'How far a search goes.' },
)
export type QueryParams = Static<typeof QueryParams>

export const LookupLocation = Type.Object(
  {
    collection: text('The collection.'),
    vector: optional(text('The vector. Default: the unnamed one, or else the one of the searched name.')),
    shardKey,
  },
  {
    $id: 'LookupLocation',
    description: 'Where ids of a query are looked up instead of its own collection and vector.',
  },
)
export type LookupLocation = Static<typeof LookupLocation>

const limit = (description: string) => optional(count({ description, minimum: 1 }))
const using = optional(text('The searched vector. May be left out where the collection has one.'))

/** The options that a query shares with each of its prefetches. */
export interface QueryStage<Path extends string = string> {
  /** Absent: points in the order of their ids. */
  query?: Query | null
  /** Queries whose results are all that this one looks at; it scores them anew, or fuses them. */
  prefetch?: Prefetch<Path> | readonly Prefetch<Path>[] | null
  /** The name of the searched vector; may be left out where the collection has one. */
  using?: string
  /** Holds for the prefetches of the stage too. */
  filter?: Filter<Path> | null
  /** Default 10. */
  limit?: number
  /** Only hits of this score or a better one. */
  scoreThreshold?: number
  /**
   * Mean share of the true neighbours that answers are to have, in (0, 1]. Default: `hnswConfig.recall` of the
   * vector, or else of the collection, or else 0.95. How far the search goes for it is measured on the collection's own vectors; 1 looks at every vector. `params.hnswEf` overrides it.
   */
  recall?: number
  /** How the search goes about it. */
  params?: QueryParams | null
  /** The collection and the vector in which ids of the query are looked up. */
  lookupFrom?: LookupLocation | null
}
/** Fields that searches of all kinds share. */
export const search = {
  using,
  filter,
  limit: limit('Points to return. Default 10.'),
  scoreThreshold: optional(number({ description: 'Points with a worse score are left out.' })),
  recall,
  params: optional(QueryParams),
  lookupFrom: optional(LookupLocation),
}
const stage = {
  query: optional(Query),
  prefetch: optional(
    oneOrMany(
      nested<Prefetch>({
        of: (): TSchema => Prefetch,
        depth: LIMITS.prefetchDepth,
        inAll: LIMITS.prefetches,
        what: 'prefetches',
      }),
      { description: 'Queries whose results are all that this one looks at; it scores them anew, or fuses them.' },
    ),
  ),
  ...search,
}
/** A query whose results another one looks at. */
export interface Prefetch<Path extends string = string> extends QueryStage<Path> {}
export const Prefetch = Type.Object(stage, { $id: 'Prefetch', description: 'A query whose results another one uses.' })

/** Options of `query`. */
export interface QueryOptions<Path extends string = string> extends QueryStage<Path>, ReadOptions {
  /** Hits to skip. Default 0. */
  offset?: number
}
export const offset = optional(count({ description: 'Points to skip. Default 0.' }))
/** A query, without the fields that the library alone has. */
export const queryFields = { ...stage, offset }
export const QueryOptions = Type.Object({ ...queryFields, ...readFields }, { aliases: RETURNED_ALIASES })

/** The vector whose neighbours `search` finds: numbers, or a text that becomes a sparse vector. */
export type SearchVector = Exclude<VectorInput, PointId>

/** Of the nearest points to one vector. */
export type SearchOptions<Path extends string = string> = Omit<QueryOptions<Path>, 'query' | 'prefetch' | 'lookupFrom'>

export const WithLookup = Type.Object(
  {
    collection: text('The collection.'),
    withPayload: optional(WithPayload),
    withVectors: optional(WithVector),
  },
  {
    $id: 'WithLookup',
    description: 'The point of another collection whose id is the value of a group. Payloads are returned by default.',
    aliases: { withVectors: ['with_vector'] },
  },
)
/** The points that groups are named after. */
export type WithLookup = Given<typeof WithLookup>

/** Options of `queryGroups`. */
export interface QueryGroupsOptions<Path extends string = string> extends QueryStage<Path>, ReadOptions {
  /** Payload field whose values, texts or integers, make the groups. */
  groupBy: Path
  /** Points of each group; default 3. */
  groupSize?: number
  /** The point of another collection whose id is the group's. */
  withLookup?: string | WithLookup | null
}
export const grouping = {
  groupBy: text('Payload field whose values, texts or integers, make the groups.'),
  groupSize: limit('Points of each group. Default 3.'),
  withLookup: optional(
    Type.Union([text('The collection.'), WithLookup], {
      description: 'The point of another collection whose id is the value of the group.',
      expected: 'a text, or an object with a collection',
      choose: (value: unknown) => (typeof value === 'string' ? 0 : isPlain(value) ? 1 : -1),
    }),
  ),
}
export const groupsFields = { ...stage, limit: limit('Groups to return. Default 10.'), ...grouping }
export const QueryGroupsOptions = Type.Object({ ...groupsFields, ...readFields }, { aliases: RETURNED_ALIASES })

export const facetFields = {
  key: text('A payload field with an index of keywords, integers, UUIDs or booleans.'),
  filter,
  limit: limit('Values to return, most frequent first. Default 10.'),
  exact: flag('No effect, since counts are always exact.'),
}
export const FacetOptions = Type.Object({ ...facetFields, ...CALL_OPTIONS })
/** Options of `facet`. */
export type FacetOptions<Path extends string = string> = FilteredBy<Static<typeof FacetOptions>, Path> & { key: Path }
/** A value of a payload field, and how many points have it. */
export interface FacetHit {
  /** The value. */
  value: string | number | bigint | boolean
  /** Points that have the value. */
  count: number
}

export const matrixFields = {
  filter,
  sample: optional(
    integer({
      description: 'Points to choose at random and compare with each other. Default 10.',
      minimum: 2,
      maximum: LIMITS.matrixSample,
    }),
  ),
  limit: limit('Neighbours of each among the others. Default 3.'),
  using,
}
export const SearchMatrixOptions = Type.Object({ ...matrixFields, ...CALL_OPTIONS })
/** Options of `searchMatrix`. */
export type SearchMatrixOptions<Path extends string = string> = FilteredBy<Static<typeof SearchMatrixOptions>, Path>
/** Points at random, and the nearest of each among the others. */
export interface SearchMatrix {
  /** The points compared, in the order of their ids. */
  ids: PointId[]
  /** By `a` in that order, nearest `b` first. */
  pairs: { a: PointId; b: PointId; score: number }[]
}
