import type { Datatype } from '../core/schema.js'

/** The part of the addon's interface for sparse vectors and for examples. */
/** A search by a sparse vector. The other fields are as in SearchRequest. */
export interface SparseSearchRequest {
  /** Index into the vectors; sparse ones come after the others. */
  vector: number
  /** Ascending; empty if there are examples or a text. */
  indices: Uint32Array
  values: Float32Array
  /**
   * A text whose tokens are searched for, each with weight 1. `textOptions` has the form of src/filter/text-options.ts.
   */
  text?: string | null
  textOptions?: Uint8Array | null
  /** Scores by several vectors. */
  examples?: SparseExamples | null
  /** Whether values are multiplied by the IDF of their index. */
  idf: boolean
  /** A filter program whose matching rows define the IDF. */
  corpus?: Uint8Array | null
  limit: number
  offset: number
  scoreThreshold: number | null
  filter: Uint8Array | null
  exclude: Uint32Array | null
  /** As in SearchRequest. */
  fields: { payload: boolean; vectors: Uint32Array }
  explain?: boolean
  reportsFromUs?: number
}

/**
 * A score made of the similarities to several vectors. A similarity is the negative distance, squared under l2.
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
  /** All vectors, end to end. */
  vectors: Float32Array
  /** Number of vectors in each multivector; only for multivectors. */
  counts?: Uint32Array
}

export interface SparseExamples extends Combination {
  /** Where each vector begins, and where the last one ends. */
  offsets: Uint32Array
  indices: Uint32Array
  values: Float32Array
}

export interface SparseBuffers {
  indices: Uint32Array
  /** One more than rows: offsets into indices and values. Signed in rows of the table, as Arrow has them. */
  offsets: Uint32Array | Int32Array
}

export interface SparseSpec {
  name: string
  memory?: 'cold' | 'cached' | 'pinned'
  /** As in VectorSpec. */
  slot?: number
}

export type CodeKind = 'auto' | 'none' | 'sq8' | 'rabitq4' | 'rabitq1'

export interface ShardSpec {
  vectors: VectorSpec[]
  /** Numbered after the dense vectors wherever vectors are named by their index. */
  sparse?: SparseSpec[]
  /** Bytes of vectors and payloads after which the active segment freezes itself. */
  segmentBytes: number
  /** false: there is no table, so changes are not recorded for takeFlush. */
  trackChanges: boolean
}
export interface VectorSpec {
  name: string
  dim: number
  metric: MetricCode
  m: number
  efConstruct: number
  /** M of the graphs that frequent, often queried keywords get; 0: none. Default `m`. */
  payloadM?: number
  /** Placement of vectors, graphs and codes; default cached. Cold vectors are read from the file at each use. */
  memory?: PlacementCode
  graphMemory?: PlacementCode
  codeMemory?: PlacementCode
  /** Whether rows have any number of vectors, compared by MaxSim. Default false. */
  multi?: boolean
  /**
   * The type to which components were rounded (prepareVectors), and in which memory and segment files keep them.
   * float16 takes two bytes and uint8 one. Integers that were scaled to unit length stay floats. Default float32.
   */
  datatype?: Datatype
  /** The codes that searches walk on; default auto, chosen by measurement. */
  code?: CodeKind
  /** The vector's number in the checksums of rows. Default: its place, sparse vectors after the others. */
  slot?: number
}
export type PlacementCode = 'cold' | 'cached' | 'pinned'
/** Cosine expects unit vectors (prepareVectors) and normalises queries itself. */
export type MetricCode = 'cosine' | 'dot' | 'l2' | 'l1'

export type InspectedVectors = [
  data: Float32Array,
  dim: number,
  datatype: string,
  norms: Float64Array,
  flags: Uint8Array,
  hashes: Uint32Array | null,
]

/** Calls that prepare vectors before they are written. */
export interface VectorCalls {
  /**
   * Checks vectors in place. Returns the index of the first vector with a component that is not finite, or -1. With
   * `normalise` each vector is scaled to unit length. A zero vector stays; one with an unrepresentable norm is first
   * scaled in double precision. `datatype` float16 rounds to the nearest half; uint8 rounds towards zero within 0 to
   * 255, before scaling. A component beyond half precision counts as not finite.
   */
  prepareVectorsSync(data: Float32Array, dim: number, normalise: boolean, datatype?: string): number
  prepareVectors(data: Float32Array, dim: number, normalise: boolean, datatype?: string): Promise<number>
  /**
   * Writes of each vector its norm and its flags: 1 if a component is NaN, and 2 if one is infinite or beyond the
   * datatype. `hashes`, unless it is null, gets two words of each vector's hash.
   */
  inspectVectorsSync(...vectors: InspectedVectors): undefined
  inspectVectors(...vectors: InspectedVectors): Promise<undefined>
  /**
   * Writes for each vector the place and score of the first near one before it, at most `window` back; -1 stays without
   * one. Near: of another id, and meeting the threshold. Vectors whose place is not -1 beforehand, and vectors near to
   * an earlier one, are passed over.
   * `metric`: 0 cosine, 1 dot, 2 l2, 3 l1.
   */
  nearEarlier(
    data: Float32Array,
    dim: number,
    metric: number,
    threshold: number,
    window: number,
    found: Int32Array,
    scores: Float32Array,
    ids: Uint32Array,
  ): Promise<undefined>
}
