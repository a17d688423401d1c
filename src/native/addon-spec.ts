/** Of the addon's interface: what a shard is made with. */
import type { Datatype } from '../core/schema.js'
import type { CodeKind } from './addon-reads.js'
import type { SparseSpec } from './addon-vectors.js'

export interface ShardSpec {
  vectors: VectorSpec[]
  /** Counted behind the others wherever vectors are named by their index. */
  sparse?: SparseSpec[]
  /** Vector and payload bytes after which the active segment freezes itself. */
  segmentBytes: number
  /** false: there is no table, so nothing is remembered for takeFlush. */
  trackChanges: boolean
}
export interface VectorSpec {
  name: string
  dim: number
  metric: MetricCode
  m: number
  efConstruct: number
  /** M of the graphs that keywords have of their own which many rows have and many queries name; 0: none. Default `m`. */
  payloadM?: number
  /** Where vectors, graphs and codes are to be; default cached. Cold vectors are read from the file at each use. */
  memory?: PlacementCode
  graphMemory?: PlacementCode
  codeMemory?: PlacementCode
  /** Rows have any number of vectors, compared by MaxSim. Default false. */
  multi?: boolean
  /**
   * What components have been rounded to (prepareVectors), and are kept as in memory and segment files: float16 in two
   * bytes, uint8 in one, but for integers that were scaled to unit length, which stay floats. Default float32.
   */
  datatype?: Datatype
  /** Which codes lead searches; default auto, by measurement. */
  code?: CodeKind
  /** Its number in the checksums of rows; default its place, the sparse ones behind the others. */
  slot?: number
}
export type PlacementCode = 'cold' | 'cached' | 'pinned'
/** Cosine expects unit vectors (prepareVectors) and normalises queries itself. */
export type MetricCode = 'cosine' | 'dot' | 'l2' | 'l1'
