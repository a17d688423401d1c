/** The part of the addon's interface that describes a shard. */
import type { Datatype } from '../core/schema.js'
import type { CodeKind } from './addon-reads.js'
import type { SparseSpec } from './addon-vectors.js'

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
