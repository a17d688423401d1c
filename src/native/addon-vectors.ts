/** Of the addon's interface: what is about sparse vectors. */
/** By a sparse vector; everything else as in SearchRequest. */
export interface SparseSearchRequest {
  /** Index into the vectors, the sparse ones behind the others. */
  vector: number
  /** Ascending. */
  indices: Uint32Array
  values: Float32Array
  /** Whether values are multiplied by how rare their index is. */
  idf: boolean
  limit: number
  offset: number
  scoreThreshold: number | null
  filter: Uint8Array | null
  exclude: Uint32Array | null
  /** As in SearchRequest. */
  fields: { payload: boolean; vectors: Uint32Array }
  cancel: number
  explain?: boolean
  inlineUs: number
}

export interface SparseBuffers {
  indices: Uint32Array
  /** One more than rows, into indices and values. Signed in rows of the table, as Arrow has them. */
  offsets: Uint32Array | Int32Array
}

export interface SparseSpec {
  name: string
  memory?: 'cold' | 'cached' | 'pinned'
}
