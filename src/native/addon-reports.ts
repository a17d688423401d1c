/** The part of the addon's interface for reports about a collection. It runs on threads of low priority. */
export interface NearestListsRequest {
  /** Index into spec.vectors; not of a multivector. */
  vector: number
  /** Query vectors end to end, at most 4096; for Cosine of unit length. */
  queries: Float32Array
  /** Length of each list. */
  limit: number
  recall: number
  /** A filter program that the neighbours meet; null: none. */
  filter: Uint8Array | null
}

/** One list for each query, best first. Each has `limit` places; `counts` says how many are filled. */
export interface NearestLists {
  ids: Uint32Array
  scores: Float32Array
  counts: Uint32Array
}

export interface ReportCalls<Handle> {
  /**
   * The nearest rows of many vectors, on a thread of low priority. Nothing is learnt from these searches: neither recall
   * nor pace.
   */
  nearestLists(shard: Handle, request: NearestListsRequest, cancel: number): Promise<NearestLists>
  /**
   * The squared Euclidean distances of all vectors to each other, at most 16,384 of them: as many rows of as many. On a
   * thread of low priority.
   */
  squaredDistances(vectors: Float32Array, dim: number): Promise<{ distances: Float32Array }>
  /**
   * For each of at most 1,024 splits of items, the sum of the distances of all ordered pairs whose items both have the
   * label 1. `labels` has one for each row of the square `distances`, split by split. On a thread of low priority.
   */
  sumsWithin(distances: Float32Array, labels: Uint8Array): Promise<{ sums: Float64Array }>
}
