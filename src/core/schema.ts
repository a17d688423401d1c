import type { CollectionMemory, MemoryPlacement, VectorPlacement } from './memory.js'
import type { PayloadIndexKind, PayloadIndexParams } from './payload-index.js'
import type { Payload } from './point.js'
import type { Quantization, QuantizationChange, QuantizationConfig, QuantizationOptions } from './quantization.js'
import type { HnswTuning, OptimizersConfig, StrictModeConfig, WalConfig } from './settings.js'

/** How near two vectors are. Cosine and Dot: greater is nearer. Euclid and Manhattan: smaller is nearer. */
export type Distance = 'Cosine' | 'Dot' | 'Euclid' | 'Manhattan'
export const DISTANCES: readonly Distance[] = ['Cosine', 'Dot', 'Euclid', 'Manhattan']

export interface HnswConfig {
  /** Edges per vertex and level (twice that on the lowest). 0: no graph; every search is a scan, of codes where they will do. */
  m: number
  /** Width of the beam while building. */
  efConstruct: number
  /** Where graphs are to be; absent: cached. */
  memory?: MemoryPlacement
  /** Kept and told. */
  tuning?: HnswTuning
}
export const DEFAULT_HNSW: HnswConfig = { m: 16, efConstruct: 200 }

/** The sum, over the query's vectors, of the greatest similarity with any of the point's. */
export interface MultivectorConfig {
  comparator: 'max_sim'
}

export interface VectorParams extends QuantizationOptions {
  /** Dimensions. */
  size: number
  distance: Distance
  hnswConfig?: Partial<HnswConfig>
  /** Points have any number of such vectors, compared by MaxSim. */
  multivectorConfig?: MultivectorConfig
  /**
   * What components are rounded to as they come in, and kept as in memory and segment files: float16 takes two bytes,
   * uint8 one (four under Cosine, where vectors are scaled to unit length). Default float32.
   */
  datatype?: Datatype
  /**
   * Where the vectors are to be; default `cached`. `cold` leaves them in the segment files once they are there: a search
   * then reads some tens of them from the system's file cache or the disk, led by codes and graph in memory. Without
   * effect under Manhattan, which has no codes.
   */
  memory?: MemoryPlacement
  /** @deprecated `memory: 'cold'` says the same, and holds where both are there. */
  onDisk?: boolean
}

export type Datatype = 'float32' | 'float16' | 'uint8'
export const DATATYPES: readonly Datatype[] = ['float32', 'float16', 'uint8']

/** What may be said of a collection when it is made, and later: what is given then replaces what was, key by key. */
export interface CollectionSettings {
  optimizersConfig?: OptimizersConfig
  walConfig?: WalConfig
  strictModeConfig?: StrictModeConfig
  /** Whatever is to be known of the collection, at most LIMITS.metadataBytes of JSON. A null in a change removes its key. */
  metadata?: Payload
}

/** What a collection is made with: one unnamed vector, or several named ones. */
export interface CollectionOptions extends QuantizationOptions, CollectionSettings {
  /** May be left out where there are sparse vectors. */
  vectors?: VectorParams | Readonly<Record<string, VectorParams>>
  sparseVectors?: Readonly<Record<string, SparseVectorParams>>
  hnswConfig?: Partial<HnswConfig>
}

export interface SparseVectorParams {
  /** `idf`: values of a query are multiplied by how rare their index is in the collection, as BM25 wants it. */
  modifier?: SparseModifier | null
  index?: SparseIndexParams | null
}
export type SparseModifier = 'none' | 'idf'
export const SPARSE_MODIFIERS: readonly SparseModifier[] = ['none', 'idf']

/** Kept and told; what there is of an index is exact and small, so only `memory` and `onDisk` change anything. */
export interface SparseIndexParams {
  fullScanThreshold?: number | null
  onDisk?: boolean | null
  memory?: MemoryPlacement | null
  datatype?: 'float32' | 'float16' | 'uint8' | null
}
export const SPARSE_DATATYPES = ['float32', 'float16', 'uint8'] as const

/** A vector that a collection in use is to have too. */
export type VectorNameConfig = { dense: VectorParams } | { sparse: SparseVectorNameParams }
export interface SparseVectorNameParams {
  modifier?: SparseModifier | null
  datatype?: SparseIndexParams['datatype']
}

/** What may be changed of a collection that is in use. Its segments are rebuilt by it, behind reads and writes. */
export interface ConfigChange extends QuantizationChange, CollectionSettings {
  hnswConfig?: Partial<HnswConfig>
  /** By vector name; the unnamed vector is `''`. */
  vectors?: Readonly<Record<string, VectorChange>>
  /** By name: `modifier`, at once; `index`, for the next process that opens the collection. */
  sparseVectors?: Readonly<Record<string, SparseVectorParams>>
}
export interface VectorChange extends QuantizationChange {
  /** Without a field: the vector follows the collection's again. */
  hnswConfig?: Partial<HnswConfig>
  memory?: MemoryPlacement
  /** @deprecated See VectorParams. */
  onDisk?: boolean
}

/** The same, resolved: every default filled in, the unnamed vector under its name `''`. */
export interface CollectionConfig {
  vectors: ResolvedVector[]
  sparseVectors: ResolvedSparse[]
  hnswConfig: HnswConfig
  quantization: Quantization
  /** As it was given; null where it was not, or by our own name. */
  quantizationConfig: QuantizationConfig | null
  /** As they were given. */
  optimizersConfig: OptimizersConfig
  walConfig: WalConfig
  strictModeConfig: StrictModeConfig | null
  metadata: Payload | null
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
  hnswConfig?: Partial<HnswConfig>
  quantization?: Quantization
  quantizationConfig?: QuantizationConfig
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
