import type {
  CollectionOptions,
  CollectionParams,
  Datatype,
  Distance,
  HnswConfig,
  MultivectorConfig,
  OptimizersConfig,
  Quantization,
  QuantizationConfig,
  SparseIndexParams,
  SparseModifier,
  StrictModeConfig,
  WalConfig,
} from './collection-config.js'
import type { CollectionMemory, MemoryPlacement, VectorPlacement } from './memory.js'
import type { PayloadIndexKind, PayloadIndexParams } from './payload-index.js'
import type { Payload } from './point.js'

export * from './collection-config.js'

/** How graphs are built, with every default. */
export type ResolvedHnsw = HnswConfig & { m: number; efConstruct: number }
export const DEFAULT_HNSW: ResolvedHnsw = { m: 16, efConstruct: 200, fullScanThreshold: 10_000 }

/** The part of a collection's options that may be said again later. */
export type CollectionSettings = Pick<
  CollectionOptions,
  'optimizersConfig' | 'walConfig' | 'strictModeConfig' | 'metadata'
>

/** The same, resolved: every default filled in, the unnamed vector under its name `''`. */
export interface CollectionConfig {
  vectors: ResolvedVector[]
  sparseVectors: ResolvedSparse[]
  hnswConfig: ResolvedHnsw
  quantization: Quantization
  /** As it was given; null where it was not, or by our own name. */
  quantizationConfig: QuantizationConfig | null
  /** As they were given. */
  optimizersConfig: OptimizersConfig
  walConfig: WalConfig
  strictModeConfig: StrictModeConfig | null
  metadata: Payload | null
  /** Absent where nothing was given. */
  params?: CollectionParams
}

/** All that the table has to know of a vector. */
export interface TableVector {
  name: string
  /** 0: it is sparse. */
  size: number
  /** Where points have any number of them. */
  multivectorConfig?: MultivectorConfig
  /** Behind the name of its column, where another column has the name. */
  columnSuffix?: number
}

export interface ResolvedSparse extends TableVector {
  size: 0
  modifier: SparseModifier
  /** As it was given. */
  index: SparseIndexParams | null
}

/** The vectors of a collection, the sparse ones behind the others: the kernel's order. */
export type SchemaVector = ResolvedVector | ResolvedSparse

export function isSparse(vector: TableVector): vector is ResolvedSparse {
  return vector.size === 0
}

export function schemaOf(config: Pick<CollectionConfig, 'vectors' | 'sparseVectors'>): SchemaVector[] {
  return [...config.vectors, ...config.sparseVectors]
}

export interface ResolvedVector extends TableVector {
  distance: Distance
  m: number
  efConstruct: number
  memory: VectorPlacement
  quantization: Quantization
  /** Absent: float32. */
  datatype?: Datatype
  /** What was asked for this vector alone; the rest follows the collection. */
  overrides: VectorOverrides
}

export interface VectorOverrides {
  hnswConfig?: HnswConfig
  quantization?: Quantization
  quantizationConfig?: QuantizationConfig
  /** Told again where it was said. */
  onDisk?: false
}

/** Of some of the queries that ask for recall, compared with a scan while there is time: means over the last ones. */
export interface RecallMeans {
  /** How many were ever compared in this process. */
  queries: number
  /** null: none was. */
  measured: number | null
  asked: number | null
}

/** Of queries without a filter. */
export interface MeasuredRecall extends RecallMeans {
  /** Of those that have one. */
  filtered: RecallMeans
  /** What callers ask has changed, and what recall costs is about to be measured on their queries. */
  settling: boolean
  /**
   * What was sought to measure what recall costs: stored vectors, or callers' queries where those got less than they
   * asked for or much more. Of several segments, the one with the fewest live ones; zeros where none was measured yet.
   */
  samples: { stored: number; live: number }
}

export type OptimizerStatus = 'ok' | { error: string }

export interface CollectionInfo {
  name: string
  /**
   * `green`: all indexed; `yellow`: the graph is behind the tail, a payload index is being built, or segments are rebuilt;
   * `red`: the collection cannot be served.
   */
  status: 'green' | 'yellow' | 'red'
  /** Of what goes on behind reads and writes: why it cannot. */
  optimizerStatus: OptimizerStatus
  pointsCount: number
  /** Vectors in a graph, and vectors in all; the rest is scanned exactly. */
  indexedVectorsCount: number
  vectorsCount: number
  segmentsCount: number
  config: CollectionConfig
  /** `params`: what was asked for beside the kind. */
  payloadSchema: Record<string, { kind: PayloadIndexKind; points: number; params?: PayloadIndexParams }>
  /** Bytes of log not yet in the table, and of vectors not yet in the graph. */
  logBytes: number
  tailBytes: number
  /** Writes that wait for their turn. */
  updateQueue: { length: number }
  /** Where every byte is, of the collection and of its process. */
  memory: CollectionMemory
  /** By vector name: the recall of callers' queries. */
  recall: Record<string, MeasuredRecall>
  /** What went wrong and was survived, such as a segment rebuilt from the table. */
  warnings: string[]
}

/** Where the codes of a configuration are kept. `alwaysRam` is the older word for pinned. */
export function codePlacement(config: QuantizationConfig | null | undefined): MemoryPlacement {
  const settings = Object.values(config ?? {})[0] as { alwaysRam?: boolean; memory?: MemoryPlacement } | undefined
  return settings?.memory ?? (settings?.alwaysRam ? 'pinned' : 'cached')
}
