import type { Quantization } from './quantization.js'

/** How a query was answered, as `Collection.explain` tells it. */

export interface QueryPlan {
  /** How, and why so; of several segments that differ, of each. */
  strategy: string
  why: string
  /** Least of the segments'; null where the query names a width of the beam instead. */
  expectedRecall: number | null
  /** About how many points match, and their share of all; null without a filter. */
  estimatedMatches: number | null
  selectivity: number | null
  verticesVisited: number
  distancesComputed: number
  /** Of these, exact ones of what codes had found. */
  rescored: number
  /** Of codes, vectors and lists of neighbours. */
  bytesRead: number
  tookUs: number
  segments: SegmentPlan[]
}

export interface SegmentPlan {
  segment: number
  points: number
  strategy: string
  why: string
  /** Codes that led, or were scanned; `none` where it was vectors themselves. With `auto` it is those in use. */
  codes: Quantization
  /** Of the walk through the graph; null where there was none. */
  effort: SearchEffort | null
  expectedRecall: number | null
  estimatedMatches: number | null
  selectivity: number | null
  verticesVisited: number
  distancesComputed: number
  rescored: number
  bytesRead: number
  tookUs: number
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
