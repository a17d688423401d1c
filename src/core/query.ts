import type { CallOptions } from './call-options.js'
import type { Filter } from './filter.js'
import type { Expression } from './formula.js'
import type { Document, MultiVector, PointId, SparseVector, Vector } from './point.js'
import type { ReadOptions, WithPayload, WithVector } from './read-options.js'

/*
 * The language of queries, in the words of Qdrant's API; keys are the camelCase of the wire's.
 */

/** A vector, or the id of a stored point, which stands for its vector and is then left out of the answer. */
export type VectorInput = Vector | MultiVector | SparseVector | Document | PointId

export type Query =
  | VectorInput
  | NearestQuery
  | RecommendQuery
  | DiscoverQuery
  | ContextQuery
  | OrderByQuery
  | FusionQuery
  | RrfQuery
  | FormulaQuery
  | SampleQuery
  | RelevanceFeedbackQuery

export interface NearestQuery {
  nearest: VectorInput
  mmr?: Mmr | null
}

/** Chooses among the nearest so that they differ from each other too: maximal marginal relevance. */
export interface Mmr {
  /** From 0, as near to the query as can be, to 1, as far from each other as can be. Default 0.5. */
  diversity?: number | null
  /** How many of the nearest to choose from; default `limit`. */
  candidatesLimit?: number | null
}

export interface RecommendQuery {
  recommend: {
    positive?: readonly VectorInput[] | null
    negative?: readonly VectorInput[] | null
    /** Default `average_vector`. */
    strategy?: RecommendStrategy | null
  }
}
export type RecommendStrategy = 'average_vector' | 'best_score' | 'sum_scores'
export const RECOMMEND_STRATEGIES: readonly RecommendStrategy[] = ['average_vector', 'best_score', 'sum_scores']

export interface ContextPair {
  positive: VectorInput
  negative: VectorInput
}
export interface DiscoverQuery {
  discover: { target: VectorInput; context: ContextPair | readonly ContextPair[] | null }
}
export interface ContextQuery {
  context: ContextPair | readonly ContextPair[]
}

/** The payload field needs an index of numbers or date-times. */
export interface OrderBy {
  key: string
  /** Default `asc`. */
  direction?: 'asc' | 'desc' | null
  /** A number, or an RFC 3339 date-time. */
  startFrom?: number | bigint | string | null
}
export interface OrderByQuery {
  orderBy: string | OrderBy
}

export interface FusionQuery {
  fusion: 'rrf' | 'dbsf'
}
export interface RrfQuery {
  rrf: {
    /** Default 2. */
    k?: number | null
    /** One for each prefetch; default 1. */
    weights?: readonly number[] | null
  }
}

export interface FormulaQuery {
  formula: Expression
  /** By variable, for points that lack its value. */
  defaults?: Readonly<Record<string, unknown>> | null
}
export interface SampleQuery {
  sample: 'random'
}

export interface RelevanceFeedbackQuery {
  relevanceFeedback: {
    target: VectorInput
    feedback: readonly { example: VectorInput; score: number }[]
    strategy: { naive: { a: number; b: number; c: number } }
  }
}

/** Where ids of a query are looked up instead of its own collection and vector. */
export interface LookupLocation {
  collection: string
  vector?: string | null
}

export interface QueryParams {
  /** Width of the beam: a fixed effort, instead of that which the recall asked for takes. */
  hnsw_ef?: number
  /** Scan every vector. */
  exact?: boolean
  indexed_only?: boolean
  quantization?: QuantizationParams | null
  /** Of sparse vectors with the `idf` modifier alone. */
  idf?: IdfParams | null
  /** Taken as Qdrant has it; a search goes from match to match wherever that costs least, asked or not. */
  acorn?: AcornParams | null
}

export interface AcornParams {
  enable?: boolean | null
  /** From 0 to 1. */
  max_selectivity?: number | null
}

/** Of which points it is counted how rare an index is: of all, or of those that match the filter. */
export type IdfParams = 'global' | { corpus: Filter }

/** How a search uses the codes there are; by default they lead, and as many are scored exactly as recall takes. */
export interface QuantizationParams {
  /** Compares vectors themselves all the way. */
  ignore?: boolean | null
  /** false: scores come from codes alone, so they are estimates. Default true. */
  rescore?: boolean | null
  /** Scored exactly for each point wanted, from 1 to LIMITS.oversampling; without it as many as recall takes. */
  oversampling?: number | null
}

/** The options that a query shares with each of its prefetches. */
export interface QueryStage {
  /** Absent: points in the order of their ids. */
  query?: Query
  /** Queries whose results are all that this one looks at; it scores them anew, or fuses them. */
  prefetch?: Prefetch | readonly Prefetch[] | null
  /** The name of the searched vector; may be left out where the collection has one. */
  using?: string
  /** Holds for the prefetches of the stage too. */
  filter?: Filter | null
  /** Default 10. */
  limit?: number
  scoreThreshold?: number
  /**
   * Mean share of the true neighbours that answers are to have, in (0, 1]; default 0.95. How far the search goes
   * for it is measured on the collection's own vectors; 1 looks at every vector. `params.hnsw_ef` overrides it.
   */
  recall?: number
  params?: QueryParams | null
  lookupFrom?: LookupLocation | null
}

export interface Prefetch extends QueryStage {}

export interface QueryOptions extends QueryStage, ReadOptions {
  offset?: number
}

/** The vector whose neighbours `search` finds: numbers, or a text that becomes a sparse vector. */
export type SearchVector = Exclude<VectorInput, PointId>

/** Of the nearest points to one vector. */
export type SearchOptions = Omit<QueryOptions, 'query' | 'prefetch' | 'lookupFrom'>

export interface QueryGroupsOptions extends QueryStage, ReadOptions {
  /** Payload field whose values, texts or integers, make the groups. */
  groupBy: string
  /** Points of each group; default 3. */
  groupSize?: number
  /** The point of another collection whose id is the group's. */
  withLookup?: string | WithLookup | null
}
export interface WithLookup {
  collection: string
  /** Default true. */
  withPayload?: WithPayload | null
  /** Default false. */
  withVectors?: WithVector | null
}

export interface FacetOptions extends CallOptions {
  /** A payload field with an index of keywords, integers, UUIDs or booleans. */
  key: string
  filter?: Filter | null
  /** Values to return, most frequent first; default 10. */
  limit?: number
  /** Counts are always exact; kept for those who ask. */
  exact?: boolean | null
}
export interface FacetHit {
  value: string | number | bigint | boolean
  count: number
}

export interface SearchMatrixOptions extends CallOptions {
  filter?: Filter | null
  /** Points to choose at random and compare with each other; default 10. */
  sample?: number
  /** Neighbours of each among the others; default 3. */
  limit?: number
  using?: string
}
export interface SearchMatrix {
  /** The points compared, in the order of their ids. */
  ids: PointId[]
  /** By `a` in that order, nearest `b` first. */
  pairs: { a: PointId; b: PointId; score: number }[]
}
