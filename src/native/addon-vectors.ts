/** Of the addon's interface: what is about sparse vectors. */
/** By a sparse vector; everything else as in SearchRequest. */
export interface SparseSearchRequest {
  /** Index into the vectors, the sparse ones behind the others. */
  vector: number
  /** Ascending; empty where there are examples, or a text. */
  indices: Uint32Array
  values: Float32Array
  /** Its tokens are asked for, each counting 1. `textOptions` is what src/filter/text-options.ts writes. */
  text?: string | null
  textOptions?: Uint8Array | null
  /** Scores by several vectors. */
  examples?: SparseExamples | null
  /** Whether values are multiplied by how rare their index is. */
  idf: boolean
  /** A filter program: rarity is counted among the rows that match. */
  corpus?: Uint8Array | null
  limit: number
  offset: number
  scoreThreshold: number | null
  filter: Uint8Array | null
  exclude: Uint32Array | null
  /** As in SearchRequest. */
  fields: { payload: boolean; vectors: Uint32Array }
  explain?: boolean
}

/**
 * A score that is made of the similarities to several vectors, which are negative distances: squared ones under l2.
 *
 *   bestScore, sumScores   positives, then negatives
 *   discover               the target, then pairs of a positive and a negative
 *   context                pairs
 *   feedback               any, each with a weight
 */
export interface Combination {
  combine: 'bestScore' | 'sumScores' | 'discover' | 'context' | 'feedback'
  positives: number
  weights: Float32Array
}

export interface Examples extends Combination {
  /** End to end. */
  vectors: Float32Array
  /** Of multivectors, and only of them: how many vectors each has. */
  counts?: Uint32Array
}

export interface SparseExamples extends Combination {
  /** Where each begins, and where the last one ends. */
  offsets: Uint32Array
  indices: Uint32Array
  values: Float32Array
}

export interface SparseBuffers {
  indices: Uint32Array
  /** One more than rows, into indices and values. Signed in rows of the table, as Arrow has them. */
  offsets: Uint32Array | Int32Array
}

export interface SparseSpec {
  name: string
  memory?: 'cold' | 'cached' | 'pinned'
  /** As that of a VectorSpec. */
  slot?: number
}
