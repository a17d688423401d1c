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
import type { IngestionConfig } from './ingestion-rules.js'
import type { CollectionMemory, MemoryPlacement, VectorPlacement } from './memory.js'
import type { PayloadIndexKind, PayloadIndexParams } from './payload-index.js'
import type { Payload } from './point.js'

export * from './collection-config.js'
export type * from './ingestion-rules.js'

/** Settings of graphs with all defaults. */
export type ResolvedHnsw = HnswConfig & { m: number; efConstruct: number }
export const DEFAULT_HNSW: ResolvedHnsw = { m: 16, efConstruct: 200, fullScanThreshold: 10_000 }

/** The options of a collection that can be changed later. */
export type CollectionSettings = Pick<
  CollectionOptions,
  'optimizersConfig' | 'walConfig' | 'strictModeConfig' | 'metadata'
>

/** A collection's options with all defaults filled in; the unnamed vector is called `''`. */
export interface CollectionConfig {
  /** Dense vectors, in the kernel's order. */
  vectors: ResolvedVector[]
  /** Sparse vectors, in the kernel's order. */
  sparseVectors: ResolvedSparse[]
  /** Graphs of vectors without settings of their own. */
  hnswConfig: ResolvedHnsw
  /** Codes of vectors without settings of their own. */
  quantization: Quantization
  /** As given; null if absent, or if given by our own name. */
  quantizationConfig: QuantizationConfig | null
  /** As given. */
  optimizersConfig: OptimizersConfig
  /** As given; no effect. */
  walConfig: WalConfig
  /** Bounds of the collection's owner; null if there are none. */
  strictModeConfig: StrictModeConfig | null
  /** The caller's own object; null if there is none. */
  metadata: Payload | null
  /** Set if ids are texts. */
  ids?: 'text'
  /** Absent if nothing was given. */
  params?: CollectionParams
  /** Rules for the points that the collection takes; absent if there are none. Each rule has its name. */
  ingestion?: IngestionConfig
}

/** Whether graphs are built. An `indexingThreshold` of 0 turns that off. */
export function isIndexing({ optimizersConfig }: Pick<CollectionConfig, 'optimizersConfig'>): boolean {
  return optimizersConfig.indexingThreshold !== 0
}

/** The facts about a vector that the table needs. */
export interface TableVector {
  /** The vector's name; `''` for the unnamed one. */
  name: string
  /** Dimensions; 0 for a sparse vector. */
  size: number
  /** Set if points have any number of these vectors. */
  multivectorConfig?: MultivectorConfig
  /** Suffix of its column's name, if another column has the plain name. */
  columnSuffix?: number
}

/** A sparse vector with all defaults. */
export interface ResolvedSparse extends TableVector {
  size: 0
  /** Whether values of queries are multiplied by their IDF. */
  modifier: SparseModifier
  /** As given. */
  index: SparseIndexParams | null
}

/** The vectors of a collection in the kernel's order: sparse ones come last. */
export type SchemaVector = ResolvedVector | ResolvedSparse

/** All vectors, whether ids are texts, and the rules for points. */
export interface Schema extends ReadonlyArray<SchemaVector> {
  /** Whether ids are texts. */
  readonly textIds?: boolean
  /** Rules for the points that the collection takes. */
  readonly ingestion?: IngestionConfig
  /** The recall of queries that ask for none, by vector, if the configuration names any. */
  readonly recalls?: readonly (number | undefined)[]
}

/** Whether a vector is sparse. */
export function isSparse(vector: TableVector): vector is ResolvedSparse {
  return vector.size === 0
}

/** The vectors of a configuration in the kernel's order. */
export function schemaOf(
  config: Pick<CollectionConfig, 'vectors' | 'sparseVectors' | 'ids' | 'ingestion' | 'hnswConfig'>,
): Schema {
  const { ids, ingestion, vectors, hnswConfig } = config
  const recalls = vectors.map(({ overrides }) => overrides.hnswConfig?.recall ?? hnswConfig.recall)
  return Object.assign([...vectors, ...config.sparseVectors], {
    ...(ids === 'text' ? { textIds: true } : {}),
    ...(ingestion ? { ingestion } : {}),
    ...(recalls.some((recall) => recall !== undefined) ? { recalls } : {}),
  })
}

/** The same vectors under other rules for points, or none. */
export function withRules(schema: Schema, ingestion?: IngestionConfig): Schema {
  const { textIds, recalls } = schema
  const facts = {
    ...(textIds ? { textIds } : {}),
    ...(recalls ? { recalls } : {}),
    ...(ingestion ? { ingestion } : {}),
  }
  return Object.assign([...schema], facts)
}

/** A dense vector with all settings, its own or the collection's. */
export interface ResolvedVector extends TableVector {
  /** The measure of nearness. */
  distance: Distance
  /** Edges per vertex and level; 0: no graph. */
  m: number
  /** Width of the beam while building. */
  efConstruct: number
  /** Where vectors, graph and codes are kept. */
  memory: VectorPlacement
  /** The codes that searches walk on. */
  quantization: Quantization
  /** Absent: float32. */
  datatype?: Datatype
  /** Settings of this vector alone; all others follow the collection. */
  overrides: VectorOverrides
}

/** Settings that a vector does not share with its collection. */
export interface VectorOverrides {
  /** Graphs of this vector. */
  hnswConfig?: HnswConfig
  /** Codes of this vector. */
  quantization?: Quantization
  /** As given. */
  quantizationConfig?: QuantizationConfig
  /** Kept to be returned if it was given. */
  onDisk?: false
}

/** Live recall: queries that asked for recall and were compared with a scan in idle time. Means over recent ones. */
export interface RecallMeans {
  /** Number of queries compared in this process. */
  queries: number
  /** Mean recall found; null if none was compared. */
  measured: number | null
  /** Mean recall that these queries asked for. */
  asked: number | null
}

/** Live recall of queries without a filter. */
export interface MeasuredRecall extends RecallMeans {
  /** Live recall of queries with a filter. */
  filtered: RecallMeans
  /** Callers' queries have changed, and a calibration on them is about to run. */
  settling: boolean
  /**
   * Samples of the last calibration. `stored`: stored vectors. `live`: callers' queries, used if these got less recall
   * than asked, or much more. From the segment with the fewest live ones; zeros before the first calibration.
   */
  samples: { stored: number; live: number }
}

/** State of background work. */
export type OptimizerStatus = 'ok' | { error: string }

/** How much a collection holds. */
export interface CollectionCounts {
  /** Live points. */
  pointsCount: number
  /** Vectors in a graph, and all vectors. The others are scanned exactly. */
  indexedVectorsCount: number
  /** All vectors. */
  vectorsCount: number
  /** Segments, the active one included. */
  segmentsCount: number
}

/** A collection that is not open. */
export interface ClosedCollection {
  /** The collection's own name, never an alias. */
  name: string
  /** As of its close; null if the process that had it open before did not end by a close. */
  counts: CollectionCounts | null
}

/** State and configuration of a collection, as `Collection.info` returns them. */
export interface CollectionInfo extends CollectionCounts {
  /** The collection's own name, never an alias. */
  name: string
  /**
   * `green`: everything is indexed. `yellow`: vectors wait for a graph, a payload index is being built, or segments are
   * being rebuilt. `red`: the collection cannot be served.
   */
  status: 'green' | 'yellow' | 'red'
  /** `ok`, or the error that stops background work. */
  optimizerStatus: OptimizerStatus
  /** The configuration with all defaults. */
  config: CollectionConfig
  /** Payload indexes by field. `params`: the given parameters besides the kind. */
  payloadSchema: Record<string, { kind: PayloadIndexKind; points: number; params?: PayloadIndexParams }>
  /** Bytes of log that the table lacks, and of vectors that are not in a graph yet. */
  logBytes: number
  /** Bytes of vectors that are not in a graph yet. */
  tailBytes: number
  /** Number of writes that wait. */
  updateQueue: { length: number }
  /** Memory of the collection and of its process. */
  memory: CollectionMemory
  /** Live recall by vector name. */
  recall: Record<string, MeasuredRecall>
  /** Problems that were survived, such as a segment rebuilt from the table, and settings without the effect asked for. */
  warnings: string[]
}

/** The placement of codes. `alwaysRam` is the older name of pinned. */
export function codePlacement(config: QuantizationConfig | null | undefined): MemoryPlacement {
  const settings = Object.values(config ?? {})[0] as { alwaysRam?: boolean; memory?: MemoryPlacement } | undefined
  return settings?.memory ?? (settings?.alwaysRam ? 'pinned' : 'cached')
}
