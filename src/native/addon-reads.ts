import type { CodeKind, Examples, SparseBuffers, SparseSearchRequest } from './addon-vectors.js'

/** Requests and results of the addon's reads. */

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
  /**
   * Most bytes that the rows may take in memory; absent: no bound. A larger read fails with RESOURCE_EXHAUSTED and
   * `wantedBytes`, and allocates nothing.
   */
  mostBytes?: number
}

/**
 * Vectors of rows: one for each row, zeros if `counts` is 0. A multivector has as many as `counts` says, end to end.
 */
export interface VectorRows {
  data: Float32Array
  counts: Uint32Array
  /** Set for sparse vectors; `data` holds their values. */
  sparse?: SparseBuffers
}

/** Rows as columns, as reads return them. */
export interface RowBlock {
  count: number
  ids: Uint32Array
  seqs: Float64Array
  /** null unless asked for. An empty text means a point without payload. */
  payloads: TextBuffers | null
  /** One for each vector asked for, in that order. */
  vectors: VectorRows[]
}

export interface SearchRequest {
  /** Index into spec.vectors. */
  vector: number
  /** Empty if there are examples. */
  query: Float32Array
  /** Scores by several vectors. Then greater is better with every metric. */
  examples?: Examples | null
  limit: number
  offset: number
  /** Width of the beam; 0: as much as `recall` needs. */
  ef: number
  recall: number
  exact: boolean
  /** How codes are used. Absent: the walk uses codes, and `recall` decides the rerank depth. */
  codes?: CodeUse | null
  indexedOnly: boolean
  /** In the metric's own terms: least similarity for Cosine and Dot, greatest distance for Euclid and Manhattan. */
  scoreThreshold: number | null
  /** A filter program, see src/filter/program.ts. */
  filter: Uint8Array | null
  /** Ids never to return. */
  exclude: Uint32Array | null
  fields: RowFields
  /** Whether the result reports how each segment was searched, and counts the matches of the filter. */
  explain?: boolean
  /** A search that took at least this long reports its segments, without counting. Absent: none does. */
  reportsFromUs?: number
}

export interface CodeUse {
  ignore: boolean
  rescore: boolean
  /** Candidates scored exactly for each wanted result; 0: as many as `recall` needs. */
  oversampling: number
}

/** One search of a fusion. The fusion itself has the page and the fields. */
export type InFusion<T> = Omit<T, 'offset' | 'fields' | 'explain' | 'reportsFromUs'>

/** Several searches and how their rankings are fused: see core/query.ts, RrfQuery. */
export interface FusedRequest {
  parts: (InFusion<SearchRequest> | InFusion<SparseSearchRequest>)[]
  /**
   * Whether scores are fused, scaled by each ranking's distribution. Otherwise places are fused by `k` and `weights`.
   */
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
  /** Only of searches that report them, and if there are segments. */
  segments?: SegmentReport[]
  stats: {
    visited: number
    distances: number
    /** Bytes of codes, vectors and neighbour lists. */
    bytes: number
    strategy: string
    matches: number
    tookUs: number
    /** The recall that every segment promises; 0 if the request gave a width. */
    recall: number
  }
}

/** How one segment was searched. The unit of cost is one distance to a vector at a random place in memory. */
export interface SegmentReport {
  segment: number
  points: number
  /** Vertices in the graph, and vertices after it that were scanned. */
  linked: number
  tail: number
  strategy: string
  /**
   * `exact`, `all`, `no graph`, `empty`, `recall`, `examples`, `few`, `too few`, `costs less`; empty if a walk was
   * planned.
   */
  whyNoWalk: string
  /** The codes of the walk or scan; `none`: the vectors themselves. */
  codes: CodeKind
  /** Of the walk, or 0 without one. `reach` is 0 if only the width stops the walk. */
  width: number
  reach: number
  plannedDistances: number
  /** With a filter: the expected costs of a walk and of a scan. */
  walkCost: number
  scanCost: number
  /** The promised recall; 0 if the request gave a width. */
  recall: number
  /** The estimated matches; with a filter also the matches counted after the search. */
  matches: number
  trueMatches: number
  visited: number
  distances: number
  rescored: number
  bytes: number
  /** Bytes of payloads that conditions were evaluated on. */
  payloadBytes: number
  tookUs: number
  /** The part of it that rescored candidates. */
  rescoreUs: number
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
  /** Seed of the random choice. */
  seed: number
  /** Only rows whose last change has a number above `afterSeq`, and at most `throughSeq`. */
  afterSeq?: number
  throughSeq?: number
  filter: Uint8Array | null
  fields: RowFields
  cancel: number
}

export interface OrderRequest {
  field: string
  descending: boolean
  /** Where the order starts, inclusive; null: at its beginning. For date-times in microseconds since 1970. */
  from: number | bigint | null
  limit: number
  filter: Uint8Array | null
  fields: RowFields
  cancel: number
}

/** One row for each value. */
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
  /** Values of keywords and UUIDs; null for other kinds. */
  texts: TextBuffers | null
  /** Values of integers; booleans are 0 and 1. */
  integers: BigInt64Array | null
  kind: PayloadIndexKindCode
}
