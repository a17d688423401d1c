/** The info of a collection in Qdrant's shape, and back to the library's for the client. */
import Type from 'typebox'
import { writeBigJson } from '../core/big-json.js'
import { IngestionConfig } from '../core/ingestion-rules.js'
import type { CollectionMemory, MemoryPlacement } from '../core/memory.js'
import {
  PayloadFieldSchema,
  type PayloadIndexKind,
  type PayloadIndexOptions,
  type PayloadIndexParams,
} from '../core/payload-index.js'
import { type Payload, RawJson, UNNAMED_VECTOR } from '../core/point.js'
import {
  type CollectionConfig,
  type CollectionInfo,
  CollectionParams,
  codePlacement,
  DEFAULT_HNSW,
  HnswConfig,
  OptimizersConfig,
  QuantizationConfig,
  type ResolvedSparse,
  type ResolvedVector,
  SparseVectorParams,
  StrictModeConfig,
  VectorParams,
  WalConfig,
} from '../core/schema.js'
import { read } from '../core/vocabulary/reader.js'
import { camelCase, respelled, snakeCase } from '../core/vocabulary/spelling.js'
import { tell } from '../core/vocabulary/teller.js'
import type { WireObject } from './fields.js'
import { parseJson } from './json.js'

/** Qdrant's defaults where they hold here too. */
const OPTIMIZERS = {
  deleted_threshold: 0.2,
  vacuum_min_vector_number: 1000,
  default_segment_number: 0,
  indexing_threshold: 10_000,
  flush_interval_sec: 5,
}
const WAL = { wal_capacity_mb: 64, wal_segments_ahead: 0 }
const PARAMS = { shard_number: 1, replication_factor: 1, write_consistency_factor: 1, on_disk_payload: true }
/** Both ways of saying codes are told. */
const ToldVector = Type.Object(VectorParams.properties)

/**
 * Qdrant's shape. `vectors_count`, `log_bytes`, `tail_bytes`, `recall`, `memory`, `quantization`, and `given`, the
 * settings without defaults, are ours.
 */
export function infoToWire({
  name: _,
  config,
  payloadSchema,
  memory,
  recall,
  warnings,
  ...state
}: CollectionInfo): object {
  const { hnswConfig, quantization, quantizationConfig, params, sparseVectors } = config
  const given = tell(CollectionParams, params ?? {}) as object
  return {
    ...(respelled(state, snakeCase) as object),
    ...(warnings.length > 0 ? { warnings: warnings.map((message) => ({ message })) } : {}),
    recall,
    memory: memoryIn(memory, snakeCase),
    config: {
      params: {
        vectors: vectorsToWire(config.vectors),
        ...(sparseVectors.length > 0 ? { sparse_vectors: sparseToWire(sparseVectors) } : {}),
        ...(config.ids ? { ids: config.ids } : {}),
        ...PARAMS,
        ...given,
        ...(params ? { given } : {}),
      },
      hnsw_config: hnswToWire(hnswConfig),
      optimizer_config: optimizersToWire(config.optimizersConfig),
      wal_config: walToWire(config.walConfig),
      quantization_config: quantizationConfig && tell(QuantizationConfig, quantizationConfig),
      quantization,
      strict_mode_config: config.strictModeConfig && tell(StrictModeConfig, config.strictModeConfig),
      // Ours: absent without rules.
      ...(config.ingestion ? { ingestion: tell(IngestionConfig, config.ingestion) } : {}),
      // As its text, since it may have any key and integers of any length.
      metadata: config.metadata && new RawJson(writeBigJson(config.metadata)),
    },
    payload_schema: Object.fromEntries(
      Object.entries(payloadSchema).map(([field, { kind, points, params }]) => [
        field,
        { data_type: kind, points, ...(params ? { params: tell(PayloadFieldSchema, { type: kind, ...params }) } : {}) },
      ]),
    ),
  }
}

function optimizersToWire(config: OptimizersConfig): object {
  const given = tell(OptimizersConfig, config) as { max_optimization_threads?: number | 'auto' }
  const { max_optimization_threads: threads } = given
  return { ...OPTIMIZERS, ...given, max_optimization_threads: threads === 'auto' ? null : (threads ?? null), given }
}

function walToWire(config: WalConfig): object {
  const given = tell(WalConfig, config) as { wal_retain_closed?: number }
  return { ...WAL, ...given, wal_retain_closed: Math.max(1, given.wal_retain_closed ?? 1), given }
}

function vectorsToWire(vectors: readonly ResolvedVector[]): object {
  const only = vectors[0]
  if (vectors.length === 1 && only?.name === UNNAMED_VECTOR) return vectorToWire(only)
  return Object.fromEntries(vectors.map((vector) => [vector.name, vectorToWire(vector)]))
}

function sparseToWire(vectors: readonly ResolvedSparse[]): object {
  return Object.fromEntries(
    vectors.map(({ name, modifier, index }) => [
      name,
      tell(SparseVectorParams, { ...(modifier === 'none' ? {} : { modifier }), ...(index ? { index } : {}) }),
    ]),
  )
}

/** Settings of the vector alone; the rest is the collection's. */
function vectorToWire({ size, distance, multivectorConfig, datatype, memory, overrides }: ResolvedVector): object {
  const { hnswConfig, onDisk, ...codes } = overrides
  const told = { size, distance, multivectorConfig, datatype, ...codes, onDisk: memory.vectors === 'cold' || onDisk }
  return {
    ...(tell(ToldVector, told) as object),
    ...(hnswConfig ? { hnsw_config: hnswToWire(hnswConfig) } : {}),
    ...(memory.vectors === 'cached' ? {} : { memory: memory.vectors }),
  }
}

function hnswToWire(config: HnswConfig): object {
  return tell(HnswConfig, { ...config, ...(config.memory ? { onDisk: config.memory === 'cold' } : {}) }) as object
}

/** The memory of a collection with its names in the other spelling. Names of vectors are the caller's own. */
function memoryIn({ vectors, ...parts }: Pick<CollectionMemory, 'vectors'>, spell: (name: string) => string): object {
  const spelled = Object.entries(vectors).map(([name, vector]) => [name, respelled(vector, spell)])
  return { vectors: Object.fromEntries(spelled), ...(respelled(parts, spell) as object) }
}

/** The parts whose values have names of their own alone. */
type State = Omit<CollectionInfo, 'name' | 'config' | 'payloadSchema' | 'memory' | 'recall' | 'warnings'>

interface WireInfo {
  warnings?: { message: string }[]
  memory: Pick<CollectionMemory, 'vectors'>
  recall: CollectionInfo['recall']
  config: {
    params: { vectors: WireObject; sparse_vectors?: WireObject; ids?: 'text'; given?: WireObject }
    hnsw_config: WireObject
    quantization: CollectionConfig['quantization']
    quantization_config: WireObject | null
    optimizer_config: { given?: WireObject }
    wal_config: { given?: WireObject }
    strict_mode_config: WireObject | null
    metadata: Buffer | null
    ingestion?: WireObject
  }
  payload_schema: Record<string, { data_type: PayloadIndexKind; points: number; params?: WireObject }>
}

export function infoOfWire(name: string, result: unknown): CollectionInfo {
  const { config, payload_schema, memory, recall, warnings = [], ...state } = result as WireInfo
  const fields = Object.entries(payload_schema).map(([field, { data_type: kind, points, params }]) => [
    field,
    params ? { kind, points, params: indexParamsOf(kind, params) } : { kind, points },
  ])
  return {
    ...(respelled(state, camelCase) as State),
    name,
    config: configOfWire(config),
    payloadSchema: Object.fromEntries(fields),
    memory: memoryIn(memory, camelCase) as CollectionMemory,
    recall,
    warnings: warnings.map(({ message }) => message),
  }
}

function indexParamsOf(type: PayloadIndexKind, params: WireObject): PayloadIndexParams {
  const { type: _, ...known } = read(PayloadFieldSchema, { ...params, type }, 'wire', 'params') as PayloadIndexOptions
  return known
}

function configOfWire(config: WireInfo['config']): CollectionConfig {
  const { params, quantization, quantization_config, strict_mode_config, metadata, ingestion } = config
  const defaults = {
    hnswConfig: { ...DEFAULT_HNSW, ...hnswOfWire(read(HnswConfig, config.hnsw_config, 'wire')) },
    quantization,
    quantizationConfig: quantization_config && read(QuantizationConfig, quantization_config, 'wire'),
  }
  const vectors = typeof params.vectors.size === 'number' ? { [UNNAMED_VECTOR]: params.vectors } : params.vectors
  return {
    vectors: Object.entries(vectors).map(([name, told]) => vectorOfWire(name, told, defaults)),
    sparseVectors: Object.entries(params.sparse_vectors ?? {}).map(([name, told]) => {
      const { modifier = 'none', index = null } = read(SparseVectorParams, told, 'wire')
      return { name, size: 0, modifier, index }
    }),
    ...defaults,
    optimizersConfig: read(OptimizersConfig, config.optimizer_config.given ?? {}, 'wire'),
    walConfig: read(WalConfig, config.wal_config.given ?? {}, 'wire'),
    strictModeConfig: strict_mode_config && read(StrictModeConfig, strict_mode_config, 'wire'),
    metadata: metadata === null ? null : (parseJson(metadata, 'answer metadata') as Payload),
    ...(params.ids ? { ids: params.ids } : {}),
    ...(ingestion ? { ingestion: read(IngestionConfig, ingestion, 'wire') } : {}),
    ...(params.given ? { params: read(CollectionParams, params.given, 'wire') } : {}),
  }
}

type Defaults = Pick<CollectionConfig, 'hnswConfig' | 'quantization' | 'quantizationConfig'>

function vectorOfWire(name: string, told: unknown, defaults: Defaults): ResolvedVector {
  const {
    hnswConfig,
    memory = 'cached',
    onDisk,
    quantization,
    quantizationConfig,
    ...vector
  } = read(ToldVector, told, 'wire')
  const own = hnswConfig && hnswOfWire(hnswConfig)
  return {
    name,
    ...(vector as Pick<ResolvedVector, 'size' | 'distance' | 'datatype' | 'multivectorConfig'>),
    m: own?.m ?? defaults.hnswConfig.m,
    efConstruct: own?.efConstruct ?? defaults.hnswConfig.efConstruct,
    memory: {
      vectors: memory satisfies MemoryPlacement,
      graph: own?.memory ?? defaults.hnswConfig.memory ?? 'cached',
      codes: codePlacement(quantization ? quantizationConfig : defaults.quantizationConfig),
    },
    quantization: quantization ?? defaults.quantization,
    overrides: {
      ...(own ? { hnswConfig: own } : {}),
      ...(quantization ? { quantization } : {}),
      ...(quantizationConfig ? { quantizationConfig } : {}),
      ...(onDisk === false ? { onDisk } : {}),
    },
  }
}

/** The placement says it already. */
function hnswOfWire({ onDisk: _, ...config }: HnswConfig): HnswConfig {
  return config
}
