import type { Examples, SparseBuffers, SparseSearchRequest } from './addon-vectors.js'

/** What reads of the addon take and give. */

export type CodeKind = 'auto' | 'none' | 'sq8' | 'rabitq4' | 'rabitq1'
export type PayloadIndexKindCode = 'keyword' | 'integer' | 'float' | 'bool' | 'datetime' | 'uuid' | 'geo' | 'text'

export interface TextBuffers {
  bytes: Uint8Array
  /** n + 1 offsets. */
  offsets: Uint32Array
}

export interface RowFields {
  payload: boolean
  /** Indexes into spec.vectors. */
  vectors: Uint32Array
  /** What the rows may take in memory: beyond it the read is RESOURCE_EXHAUSTED, with `wantedBytes`, and takes none. Absent: any. */
  mostBytes?: number
}

/**
 * Vectors of rows: one a row, zeros where `counts` is 0; of a multivector as many a row as `counts` says, end to end.
 */
export interface VectorRows {
  data: Float32Array
  counts: Uint32Array
  /** Of sparse vectors, whose values are in `data`. */
  sparse?: SparseBuffers
}

/** Rows as columns: what reads return. */
export interface RowBlock {
  count: number
  ids: Uint32Array
  seqs: Float64Array
  /** null unless asked for. An empty span is a point without payload. */
  payloads: TextBuffers | null
  /** One a vector asked for, in that order. */
  vectors: VectorRows[]
}

export interface SearchRequest {
  /** Index into spec.vectors. */
  vector: number
  /** Empty where there are examples. */
  query: Float32Array
  /** Scores by several vectors; greater is better then, whatever the metric. */
  examples?: Examples | null
  limit: number
  offset: number
  /** Width of the beam; 0: as far as `recall` takes. */
  ef: number
  recall: number
  exact: boolean
  /** How codes are used; absent: they lead, and as many are scored exactly as `recall` takes. */
  codes?: CodeUse | null
  indexedOnly: boolean
  /** In the metric's own terms (Cosine, Dot: least similarity; Euclid, Manhattan: greatest distance). */
  scoreThreshold: number | null
  /** A filter program, see src/filter/program.ts. */
  filter: Uint8Array | null
  /** Ids never to return. */
  exclude: Uint32Array | null
  fields: RowFields
  /** Whether the result says how each segment was searched. */
  explain?: boolean
}

export interface CodeUse {
  ignore: boolean
  rescore: boolean
  /** Scored exactly for each one wanted; 0: as many as `recall` takes. */
  oversampling: number
}

/** What a fusion asks of each of its searches: pages, and what is seen of points, are the fusion's. */
export type InFusion<T> = Omit<T, 'offset' | 'fields' | 'explain'>

/** Searches, and how their rankings become one: see core/query.ts, RrfQuery. */
export interface FusedRequest {
  parts: (InFusion<SearchRequest> | InFusion<SparseSearchRequest>)[]
  /** By scores, each ranking's scaled to how they are spread; else by places, as `k` and `weights` say. */
  byScores: boolean
  k: number
  weights: Float64Array | null
  limit: number
  offset: number
  scoreThreshold: number | null
  fields: RowFields
}

export interface SearchResult extends RowBlock {
  scores: Float32Array
  /** Where `explain` asks for them, and there are any. */
  segments?: SegmentReport[]
  stats: {
    visited: number
    distances: number
    strategy: string
    matches: number
    tookUs: number
    /** That every segment promises; 0 where the request named a width. */
    recall: number
  }
}

/** How one segment was searched. Costs are in distances to vectors that lie anywhere. */
export interface SegmentReport {
  segment: number
  points: number
  /** Vertices of the graph, and those behind it that were scanned. */
  linked: number
  tail: number
  strategy: string
  /** `exact`, `all`, `no graph`, `empty`, `recall`, `examples`, `few`, `too few`, `costs less`; empty where a walk was planned. */
  whyNoWalk: string
  /** Those that led, or were scanned; `none`: vectors themselves. */
  codes: CodeKind
  /** Of the walk that was made; 0 where none was. `reach` is 0 where the width alone stops. */
  width: number
  reach: number
  plannedDistances: number
  /** With a filter: what a walk and a scan were expected to cost. */
  walkCost: number
  scanCost: number
  /** That is promised; 0 where the request named a width. */
  recall: number
  /** About so many; and with a filter, as they were counted after the search. */
  matches: number
  trueMatches: number
  visited: number
  distances: number
  rescored: number
  bytes: number
  /** Of payloads that conditions were asked of. */
  payloadBytes: number
  tookUs: number
}

export interface ScrollRequest {
  from: Uint32Array | null
  limit: number
  filter: Uint8Array | null
  fields: RowFields
  cancel: number
}

export interface SampleRequest {
  limit: number
  /** Of the choice. */
  seed: number
  filter: Uint8Array | null
  fields: RowFields
  cancel: number
}

export interface OrderRequest {
  field: string
  descending: boolean
  /** Where the order starts, inclusive; null: at its beginning. Of date-times, microseconds since 1970. */
  from: number | bigint | null
  limit: number
  filter: Uint8Array | null
  fields: RowFields
  cancel: number
}

/** A row for each value. */
export interface OrderedBlock extends RowBlock {
  values: BigInt64Array | Float64Array
}

export interface FacetRequest {
  field: string
  limit: number
  filter: Uint8Array | null
  cancel: number
}

export interface FacetResult {
  counts: Float64Array
  /** Of keywords and UUIDs; null of others. */
  texts: TextBuffers | null
  /** Of integers; of booleans 0 and 1. */
  integers: BigInt64Array | null
  kind: PayloadIndexKindCode
}
