/** The keys of what a collection is made with and changed by. What their values may be is the engine's to say. */
import { checkKnown, checkPart, checkShape, isPlain, type KnownKeys, keysOf, shapeOf } from './known-keys.js'
import type {
  BinaryQuantization,
  ProductQuantization,
  QuantizationChange,
  ScalarQuantization,
  TurboQuantization,
} from './quantization.js'
import type { QuotaConfig } from './quotas.js'
import type {
  CollectionOptions,
  CollectionSettings,
  ConfigChange,
  HnswConfig,
  MultivectorConfig,
  SparseIndexParams,
  SparseVectorNameParams,
  SparseVectorParams,
  VectorChange,
  VectorParams,
} from './schema.js'
import type { HnswTuning, OptimizersConfig, StrictModeConfig, WalConfig } from './settings.js'

type Table<T> = Readonly<Record<keyof T, true>>

const QUANTIZATION: Table<QuantizationChange> = { quantization: true, quantizationConfig: true }
const SETTINGS: Table<CollectionSettings> = {
  optimizersConfig: true,
  walConfig: true,
  strictModeConfig: true,
  metadata: true,
}
const COLLECTION: Table<CollectionOptions & ConfigChange> = {
  vectors: true,
  sparseVectors: true,
  hnswConfig: true,
  ...QUANTIZATION,
  ...SETTINGS,
}
const VECTOR_CHANGE: Table<VectorChange> = { hnswConfig: true, memory: true, onDisk: true, ...QUANTIZATION }

const OPTIONS = keysOf<CollectionOptions>(COLLECTION)
const VECTOR = keysOf<VectorParams>({
  size: true,
  distance: true,
  multivectorConfig: true,
  datatype: true,
  ...VECTOR_CHANGE,
})
const CHANGED_VECTOR = keysOf<VectorChange>(VECTOR_CHANGE)
const MULTIVECTOR = keysOf<MultivectorConfig>({ comparator: true })
const HNSW = keysOf<HnswConfig>({ m: true, efConstruct: true, memory: true, tuning: true })
const TUNING = keysOf<HnswTuning>({
  full_scan_threshold: true,
  max_indexing_threads: true,
  payload_m: true,
  inline_storage: true,
})
const SPARSE = keysOf<SparseVectorParams>({ modifier: true, index: true })
const SPARSE_INDEX = keysOf<SparseIndexParams>({ fullScanThreshold: true, onDisk: true, memory: true, datatype: true })
const NAMED = keysOf({ dense: true, sparse: true })
const NAMED_SPARSE = keysOf<SparseVectorNameParams>({ modifier: true, datatype: true })

/** Of those that have the wire's words here too, which the service passes on as they come. */
export const KNOWN_SETTINGS = {
  optimizersConfig: keysOf<OptimizersConfig>({
    deleted_threshold: true,
    vacuum_min_vector_number: true,
    default_segment_number: true,
    max_segment_size: true,
    memmap_threshold: true,
    indexing_threshold: true,
    flush_interval_sec: true,
    max_optimization_threads: true,
    prevent_unoptimized: true,
  }),
  walConfig: keysOf<WalConfig>({ wal_capacity_mb: true, wal_segments_ahead: true, wal_retain_closed: true }),
  strictModeConfig: keysOf<StrictModeConfig>({
    enabled: true,
    max_query_limit: true,
    max_timeout: true,
    unindexed_filtering_retrieve: true,
    unindexed_filtering_update: true,
    search_max_hnsw_ef: true,
    search_allow_exact: true,
    search_max_oversampling: true,
    upsert_max_batchsize: true,
    search_max_batchsize: true,
    max_collection_vector_size_bytes: true,
    max_collection_payload_size_bytes: true,
    read_rate_limit: true,
    write_rate_limit: true,
    max_points_count: true,
    filter_max_conditions: true,
    condition_max_size: true,
    multivector_config: true,
    sparse_config: true,
    max_payload_index_count: true,
    max_resident_memory_percent: true,
  }),
}
const CODES = { always_ram: true, memory: true } as const
/** The wire's words too. */
export const KNOWN_QUANTIZATION = shapeOf(new Set(['scalar', 'product', 'binary', 'turbo']), {
  scalar: shapeOf(keysOf<ScalarQuantization['scalar']>({ type: true, quantile: true, ...CODES })),
  product: shapeOf(keysOf<ProductQuantization['product']>({ compression: true, ...CODES })),
  binary: shapeOf(keysOf<BinaryQuantization['binary']>({ encoding: true, query_encoding: true, ...CODES })),
  turbo: shapeOf(keysOf<TurboQuantization['turbo']>({ bits: true, ...CODES })),
})
export const KNOWN_QUOTAS = keysOf<QuotaConfig>({
  enabled: true,
  max_resident_memory_percent: true,
  max_disk_usage_percent: true,
  release_margin_percent: true,
})

export function checkCollectionOptions(options: CollectionOptions): void {
  checkKnown(options, OPTIONS)
  checkShared(options)
  const { vectors } = options
  if (!isPlain(vectors)) return
  // A vector may have the name `size`.
  if ('size' in vectors && typeof vectors.size !== 'object') checkVector(vectors, VECTOR, 'vectors.')
  else checkEach(vectors, 'vectors', (one, at) => checkVector(one, VECTOR, at))
}

export function checkConfigChange(change: ConfigChange): void {
  checkKnown(change, OPTIONS)
  checkShared(change)
  checkEach(change.vectors, 'vectors', (one, at) => checkVector(one, CHANGED_VECTOR, at))
}

/** Of a vector that a collection in use is given. */
export function checkVectorName(config: unknown): void {
  checkKnown(config, NAMED, 'config.')
  const { dense, sparse } = config as Readonly<Record<string, unknown>>
  checkVector(dense, VECTOR, 'dense.')
  checkPart(sparse, NAMED_SPARSE, 'sparse.')
}

function checkShared(
  options: CollectionSettings & QuantizationChange & Pick<CollectionOptions, 'hnswConfig' | 'sparseVectors'>,
): void {
  checkHnsw(options.hnswConfig, 'hnswConfig.')
  checkShape(options.quantizationConfig, KNOWN_QUANTIZATION, 'quantizationConfig.')
  for (const name of Object.keys(KNOWN_SETTINGS) as (keyof typeof KNOWN_SETTINGS)[]) {
    checkPart(options[name], KNOWN_SETTINGS[name], `${name}.`)
  }
  checkEach(options.sparseVectors, 'sparseVectors', (one, at) => {
    checkPart(one, SPARSE, at)
    if (isPlain(one)) checkPart(one.index, SPARSE_INDEX, `${at}index.`)
  })
}

function checkVector(vector: unknown, known: KnownKeys, at: string): void {
  if (!isPlain(vector)) return
  checkKnown(vector, known, at)
  checkHnsw(vector.hnswConfig, `${at}hnswConfig.`)
  checkShape(vector.quantizationConfig, KNOWN_QUANTIZATION, `${at}quantizationConfig.`)
  checkPart(vector.multivectorConfig, MULTIVECTOR, `${at}multivectorConfig.`)
}

function checkHnsw(config: unknown, at: string): void {
  checkPart(config, HNSW, at)
  if (isPlain(config)) checkPart(config.tuning, TUNING, `${at}tuning.`)
}

function checkEach(named: unknown, field: string, check: (one: unknown, at: string) => void): void {
  if (!isPlain(named)) return
  for (const [name, one] of Object.entries(named)) check(one, `${field}.${name}.`)
}
