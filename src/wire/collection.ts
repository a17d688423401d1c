/**
 * Bodies that make or change a collection. Settings that only tune Qdrant (optimizers, WAL) are kept and told, replicas
 * of one node are ignored; what would change the answers is refused.
 */
import { invalid } from '../core/errors.js'
import { KNOWN_QUANTIZATION, KNOWN_SETTINGS } from '../core/known-config.js'
import type { MemoryPlacement } from '../core/memory.js'
import type { Quantization, QuantizationConfig, QuantizationOptions } from '../core/quantization.js'
import type {
  CollectionOptions,
  CollectionSettings,
  ConfigChange,
  Datatype,
  Distance,
  HnswConfig,
  MultivectorConfig,
  SparseIndexParams,
  SparseModifier,
  SparseVectorNameParams,
  SparseVectorParams,
  VectorChange,
  VectorNameConfig,
  VectorParams,
} from '../core/schema.js'
import type { HnswTuning, OptimizersConfig, StrictModeConfig, WalConfig } from '../core/settings.js'
import {
  booleanAt,
  integerAt,
  isObject,
  isPresent,
  knownOf,
  knownShape,
  objectAt,
  textAt,
  unsupported,
  type WireObject,
} from './fields.js'
import { payloadAt } from './points.js'

const HNSW_TUNING = ['full_scan_threshold', 'max_indexing_threads', 'payload_m', 'inline_storage'] as const

export function collectionOf(body: WireObject): CollectionOptions {
  const sparseVectors = isPresent(body.sparse_vectors) ? sparseVectorsAt(body.sparse_vectors) : {}
  if (isPresent(body.sharding_method) && body.sharding_method !== 'auto') throw unsupported('sharding_method')
  const hasSparse = Object.keys(sparseVectors).length > 0
  const options: CollectionOptions = {
    // A collection may have sparse vectors alone; Qdrant's clients say so with no vectors, or none of them.
    ...(hasSparse && isNothing(body.vectors) ? {} : { vectors: vectorsAt(body.vectors) }),
    ...(hasSparse ? { sparseVectors } : {}),
    ...quantizationOf(body),
  }
  if (isPresent(body.hnsw_config)) options.hnswConfig = hnswAt(body.hnsw_config, 'hnsw_config')
  checkParams(body, '')
  return Object.assign(options, settingsOf(body))
}

/** As they came, without keys that nobody knows: the engine knows what each of them may be. */
function settingsOf(body: WireObject): CollectionSettings {
  const { optimizers_config, wal_config, strict_mode_config, metadata } = body
  const { optimizersConfig, walConfig, strictModeConfig } = KNOWN_SETTINGS
  return {
    ...(isPresent(optimizers_config)
      ? { optimizersConfig: knownOf(optimizers_config, optimizersConfig) as OptimizersConfig }
      : {}),
    ...(isPresent(wal_config) ? { walConfig: knownOf(wal_config, walConfig) as WalConfig } : {}),
    ...(isPresent(strict_mode_config)
      ? { strictModeConfig: knownOf(strict_mode_config, strictModeConfig) as StrictModeConfig }
      : {}),
    ...(isPresent(metadata) ? { metadata: payloadAt(metadata, 'metadata') } : {}),
  }
}

/** Of shards and replicas, which one node has none of: only what they may be is checked. */
function checkParams(params: WireObject, field: string): void {
  const most = Number.MAX_SAFE_INTEGER
  for (const key of ['shard_number', 'replication_factor', 'write_consistency_factor']) {
    if (isPresent(params[key])) integerAt(params[key], 1, most, `${field}${key}`)
  }
  for (const key of ['read_fan_out_factor', 'read_fan_out_delay_ms']) {
    if (isPresent(params[key])) integerAt(params[key], 0, most, `${field}${key}`)
  }
  if (isPresent(params.on_disk_payload)) booleanAt(params.on_disk_payload, `${field}on_disk_payload`)
  if (!isPresent(params.payload)) return
  const { memory } = objectAt(params.payload, `${field}payload`)
  if (isPresent(memory) && memory !== 'cold' && memory !== 'cached') {
    throw invalid(`${field}payload.memory`, 'expected one of cold, cached', memory)
  }
}

function vectorsAt(value: unknown): NonNullable<CollectionOptions['vectors']> {
  const vectors = objectAt(value, 'vectors')
  if ('size' in vectors && !isObject(vectors.size)) return vectorParamsAt(vectors, 'vectors')
  const named: Record<string, VectorParams> = {}
  for (const [name, params] of Object.entries(vectors)) {
    const resolved = vectorParamsAt(params, `vectors.${name}`)
    Object.defineProperty(named, name, { value: resolved, enumerable: true })
  }
  return named
}

function isNothing(vectors: unknown): boolean {
  return !isPresent(vectors) || (isObject(vectors) && Object.keys(vectors).length === 0)
}

/** What values may be is the engine's to say. */
function sparseVectorsAt(value: unknown): Record<string, SparseVectorParams> {
  const named: Record<string, SparseVectorParams> = {}
  for (const [name, params] of Object.entries(objectAt(value, 'sparse_vectors'))) {
    const field = `sparse_vectors.${name}`
    const { modifier, index } = isPresent(params) ? objectAt(params, field) : {}
    const read: SparseVectorParams = { modifier: (modifier ?? null) as SparseModifier | null }
    if (isPresent(index)) read.index = sparseIndexAt(index, `${field}.index`)
    Object.defineProperty(named, name, { value: read, enumerable: true })
  }
  return named
}

function sparseIndexAt(value: unknown, field: string): SparseIndexParams {
  const { full_scan_threshold: fullScanThreshold, on_disk: onDisk, memory, datatype } = objectAt(value, field)
  return { fullScanThreshold, onDisk, memory, datatype } as SparseIndexParams
}

function vectorParamsAt(value: unknown, field: string): VectorParams {
  const params = objectAt(value, field)
  if (typeof params.size !== 'number') throw invalid(`${field}.size`, 'expected an integer', params.size ?? null)
  const distance = textAt(params.distance, `${field}.distance`) as Distance
  const vector: VectorParams = { size: params.size, distance, ...quantizationOf(params) }
  if (isPresent(params.hnsw_config)) vector.hnswConfig = hnswAt(params.hnsw_config, `${field}.hnsw_config`)
  if (params.datatype === 'turbo4') throw unsupported(`${field}.datatype (turbo4)`)
  if (isPresent(params.datatype)) vector.datatype = params.datatype as Datatype
  if (isPresent(params.multivector_config)) {
    const { comparator } = objectAt(params.multivector_config, `${field}.multivector_config`)
    vector.multivectorConfig = { comparator: comparator as MultivectorConfig['comparator'] }
  }
  Object.assign(vector, placementAt(params, field))
  return vector
}

/** Of settings that Qdrant lets nobody say here yet, those that collections are made with are understood too. */
export function vectorNameConfigOf(body: WireObject): VectorNameConfig {
  if (isPresent(body.dense) === isPresent(body.sparse)) {
    throw invalid('config', 'expected either dense or sparse', body)
  }
  if (isPresent(body.dense)) return { dense: vectorParamsAt(body.dense, 'dense') }
  const { modifier, datatype } = objectAt(body.sparse, 'sparse')
  return { sparse: { modifier, datatype } as SparseVectorNameParams }
}

function hnswAt(value: unknown, field: string): Partial<HnswConfig> {
  const { m, ef_construct: efConstruct, memory, on_disk: onDisk, ...others } = objectAt(value, field)
  const config: Partial<HnswConfig> = {}
  if (isPresent(m)) config.m = numberAt(m, `${field}.m`)
  if (isPresent(efConstruct)) config.efConstruct = numberAt(efConstruct, `${field}.ef_construct`)
  if (isPresent(onDisk)) config.memory = booleanAt(onDisk, `${field}.on_disk`) ? 'cold' : 'cached'
  if (isPresent(memory)) config.memory = memory as MemoryPlacement
  // A threshold of 0 is what info tells where none was given; what it told may be sent back.
  const isGiven = (key: string) => isPresent(others[key]) && !(key === 'full_scan_threshold' && others[key] === 0)
  const given = HNSW_TUNING.filter(isGiven).map((key) => [key, others[key]])
  if (given.length > 0) config.tuning = Object.fromEntries(given) as HnswTuning
  return config
}

/** `on_disk` is the older word; where both are there, `memory` holds. */
function placementAt({ on_disk: onDisk, memory }: WireObject, field: string): Pick<VectorChange, 'memory' | 'onDisk'> {
  return {
    ...(isPresent(onDisk) ? { onDisk: booleanAt(onDisk, `${field}.on_disk`) } : {}),
    ...(isPresent(memory) ? { memory: memory as MemoryPlacement } : {}),
  }
}

function numberAt(value: unknown, field: string): number {
  if (typeof value !== 'number') throw invalid(field, 'expected an integer', value)
  return value
}

/** As they came, without keys that nobody knows: the engine knows what each of them means. `quantization` is ours. */
function quantizationOf({ quantization, quantization_config: quantizationConfig }: WireObject): QuantizationOptions {
  return {
    ...(isPresent(quantization) ? { quantization: quantization as Quantization } : {}),
    ...(isPresent(quantizationConfig)
      ? { quantizationConfig: knownShape(quantizationConfig, KNOWN_QUANTIZATION) as QuantizationConfig }
      : {}),
  }
}

export function configChangeOf(body: WireObject): ConfigChange {
  const change: ConfigChange = { ...quantizationOf(body), ...settingsOf(body) }
  if (isPresent(body.sparse_vectors)) change.sparseVectors = sparseVectorsAt(body.sparse_vectors)
  if (isPresent(body.params)) checkParams(objectAt(body.params, 'params'), 'params.')
  if (isPresent(body.hnsw_config)) change.hnswConfig = hnswAt(body.hnsw_config, 'hnsw_config')
  if (isPresent(body.vectors)) {
    const vectors = Object.entries(objectAt(body.vectors, 'vectors'))
    change.vectors = Object.fromEntries(
      vectors.map(([name, value]) => [name, vectorChangeAt(value, `vectors.${name}`)]),
    )
  }
  return change
}

function vectorChangeAt(value: unknown, field: string): VectorChange {
  const params = objectAt(value, field)
  const change: VectorChange = quantizationOf(params)
  if (isPresent(params.hnsw_config)) change.hnswConfig = hnswAt(params.hnsw_config, `${field}.hnsw_config`)
  return Object.assign(change, placementAt(params, field))
}
