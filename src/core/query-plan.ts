import type { Quantization } from './schema.js'

/** How a query was answered, as `Collection.explain` and those beside it tell. */

/** What holds of a whole query and of its part in one segment. */
export interface SearchAccount {
  strategy: string
  why: string
  /** Null where the query names a width of the beam instead. */
  expectedRecall: number | null
  /** About how many points match, and their share of all; null without a filter. */
  estimatedMatches: number | null
  selectivity: number | null
  /** How many do, counted after the search, and their share. */
  trueMatches: number | null
  trueSelectivity: number | null
  verticesVisited: number
  distancesComputed: number
  /** Of these, exact ones of what codes had found. */
  rescored: number
  /** Of codes, vectors and lists of neighbours. */
  bytesRead: number
  /** Of payloads that conditions of a search were asked of. */
  payloadBytesRead: number
  tookUs: number
}

export type StageKind =
  | 'ids'
  | 'nearest'
  | 'recommend'
  | 'discover'
  | 'context'
  | 'relevance_feedback'
  | 'mmr'
  | 'order_by'
  | 'rrf'
  | 'dbsf'
  | 'formula'
  | 'sample'
  | 'groups'
  | 'matrix'

/**
 * Of several segments that differ, the strategy and reason of each, and the least recall of theirs. A query is a tree of
 * these: counts are those of the stage itself, while `tookUs` is from its start to its end, with its prefetches.
 */
export interface QueryPlan extends SearchAccount {
  stage: StageKind
  /** Points that the stage passed on; of a matrix, its pairs. */
  returned: number
  /** Of payloads and vectors read row by row, for the answer or for what scores it. */
  rowBytes: { payload: number; vectors: number }
  /**
   * The stages whose points this one looked at: of groups, each round in which points were searched for them; of a
   * matrix, the sample, and the search from each of its points.
   */
  prefetch: QueryPlan[]
  segments: SegmentPlan[]
}

export interface SegmentPlan extends SearchAccount {
  segment: number
  points: number
  /** Codes that led, or were scanned; `none` where it was vectors themselves. With `auto` it is those in use. */
  codes: Quantization
  /** Of the walk through the graph; null where there was none. */
  effort: SearchEffort | null
}

export interface SearchEffort {
  /** Width of the beam. */
  width: number
  /**
   * How much farther than the last neighbour wanted a candidate may be and still be followed, as a factor; null where
   * only the width stops the walk.
   */
  reach: number | null
  /** Distances that this was expected to take, without a filter. */
  distances: number
}
