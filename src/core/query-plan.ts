import type { Quantization } from './schema.js'

/** The plan of an answered query, as `Collection.explain` and its variants return it. */

/** Findings about a whole query, or about its part in one segment. */
export interface SearchAccount {
  /** How the segment was searched. */
  strategy: string
  /** Why that way was chosen. */
  why: string
  /** The promised recall; null if the query sets the width of the beam. */
  expectedRecall: number | null
  /** Estimated number of matching points, and their share of all; null without a filter. */
  estimatedMatches: number | null
  /** Share of points that the filter is expected to match. */
  selectivity: number | null
  /** Matching points counted after the search, and their share. */
  trueMatches: number | null
  /** Share of points that the filter did match. */
  trueSelectivity: number | null
  /** Hops of walks through graphs. */
  verticesVisited: number
  /** Distances computed; for sparse vectors, postings read. */
  distancesComputed: number
  /** The exact distances among them, computed to rerank candidates that codes found. */
  rescored: number
  /** Bytes of codes, vectors and neighbour lists. */
  bytesRead: number
  /** Bytes of payloads on which conditions were evaluated. */
  payloadBytesRead: number
  /** Time in microseconds. */
  tookUs: number
}

/** The kind of a stage of a query. */
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
 * The plan of a stage; a query is a tree of stages. If segments differ, it has the strategies and reasons of all, and
 * their least recall. Counts are the stage's own. `tookUs` includes the prefetches.
 */
export interface QueryPlan extends SearchAccount {
  /** The kind of the stage. */
  stage: StageKind
  /**
   * At the first stage of a query that found its collection closed: time in microseconds until it was open, which is not
   * in `tookUs`.
   */
  openedInUs?: number
  /**
   * At a search of dense vectors: the recall asked for, by the query, the collection's configuration, or the default of
   * 0.95. Absent where the query sets the width of the beam or `exact`.
   */
  askedRecall?: number
  /** Points that the stage returned; for a matrix, its pairs. */
  returned: number
  /** Bytes of payloads and vectors read row by row, for the answer or for scoring. */
  rowBytes: { payload: number; vectors: number }
  /**
   * The stages whose points this one used. For groups these are the rounds of searching; for a matrix the sample, and
   * the search from each of its points.
   */
  prefetch: QueryPlan[]
  /** One entry for each searched segment. */
  segments: SegmentPlan[]
}

/** The part of a search in one segment. */
export interface SegmentPlan extends SearchAccount {
  /** Number of the segment. */
  segment: number
  /** Points of the segment. */
  points: number
  /**
   * The codes that were walked on or scanned; `none`: the vectors themselves. With `auto` these are the chosen ones.
   */
  codes: Quantization
  /** The effort of the walk through the graph; null without a walk. */
  effort: SearchEffort | null
}

/** The planned effort of a walk. */
export interface SearchEffort {
  /** Width of the beam. */
  width: number
  /**
   * Stop factor: a candidate is followed up to this many times the distance of the last wanted neighbour. null if only
   * the width stops the walk.
   */
  reach: number | null
  /** Expected number of distances, without a filter. */
  distances: number
}
