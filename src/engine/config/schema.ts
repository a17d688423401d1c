/** Computes a collection's configuration: from a caller's options with all defaults, and after each change. */
import { describeValue, invalid, noSuchVector, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { MemoryPlacement } from '../../core/memory.js'
import { checkVectorName } from '../../core/names.js'
import { type Payload, UNNAMED_VECTOR } from '../../core/point.js'
import {
  type CollectionConfig,
  CollectionOptions,
  type CollectionParams,
  type CollectionSettings,
  ConfigChange,
  codePlacement,
  DEFAULT_HNSW,
  type HnswConfig,
  type Quantization,
  type QuantizationConfig,
  type ResolvedHnsw,
  type ResolvedVector,
  type SchemaVector,
  type VectorChange,
  type VectorOverrides,
  type VectorParams,
} from '../../core/schema.js'
import { read } from '../../core/vocabulary/reader.js'
import { applyPatch } from '../../filter/payload.js'
import { parsePayload } from '../../filter/payload-json.js'
import { payloadText } from '../../ingest/payload-text.js'
import { checkQuarantine, resolveIngestion } from './ingestion.js'
import { changeSparse, resolveSparse } from './sparse-schema.js'

/**
 * Codes of the asked size. If there are none of that size, the next larger ones are taken, so that no recall is lost.
 */
const BY_COMPRESSION = { x4: 'sq8', x8: 'rabitq4', x16: 'rabitq4', x32: 'rabitq1', x64: 'rabitq1' } as const
const BY_ENCODING = { one_bit: 'rabitq1', one_and_half_bits: 'rabitq4', two_bits: 'rabitq4' } as const
const BY_BITS = { bits1: 'rabitq1', bits1_5: 'rabitq4', bits2: 'rabitq4', bits4: 'rabitq4' } as const

type Defaults = Pick<CollectionConfig, 'hnswConfig' | 'quantization' | 'quantizationConfig'>
type Settings = Pick<CollectionConfig, 'optimizersConfig' | 'walConfig' | 'strictModeConfig' | 'metadata'>

const NO_SETTINGS: Settings = { optimizersConfig: {}, walConfig: {}, strictModeConfig: null, metadata: null }

/**
 * Fills in every default. Throws INVALID_ARGUMENT if the options do not match their declaration, or do not fit a collection
 * of this name.
 */
export function resolveConfig(given: CollectionOptions, name?: string): CollectionConfig {
  const options = read(CollectionOptions, given, 'library')
  if (options.shardingMethod === 'custom') throw unsupported('shardingMethod: custom')
  const defaults: Defaults = {
    hnswConfig: resolveHnsw(options.hnswConfig, DEFAULT_HNSW),
    ...(askedQuantization(options) ?? { quantization: 'auto', quantizationConfig: null }),
  }
  const settings = changeSettings(NO_SETTINGS, options)
  // In the metadata of a new collection a null stays; in a change a null removes its key.
  const metadata = options.metadata === undefined ? null : checkMetadata(options.metadata)
  const sparseVectors = resolveSparse(options.sparseVectors)
  // Qdrant's clients leave `vectors` out, or send an empty record, to say that there are no dense vectors.
  const isNothing = Object.keys(options.vectors ?? {}).length === 0
  const vectors = sparseVectors.length > 0 && isNothing ? [] : resolveVectors(options.vectors, defaults)
  checkNames([...vectors, ...sparseVectors])
  const ids = options.ids === 'text' ? { ids: options.ids } : {}
  const rules = resolveIngestion(options.ingestion, [...vectors, ...sparseVectors])
  if (name !== undefined) checkQuarantine(name, rules)
  return { vectors, sparseVectors, ...defaults, ...settings, metadata, ...ids, ...paramsOf(options), ...rules }
}

function resolveVectors(vectors: CollectionOptions['vectors'], defaults: Defaults): ResolvedVector[] {
  if (vectors === undefined) {
    throw invalid('vectors', 'expected vector parameters, or a record of them by name', null)
  }
  if (isVectorParams(vectors)) return [resolveVector(UNNAMED_VECTOR, vectors, defaults)]
  const names = Object.keys(vectors)
  if (names.length > LIMITS.vectorsPerCollection) {
    throw invalid('vectors', `expected at most ${LIMITS.vectorsPerCollection} named vectors`, names.length)
  }
  return names.map((name) => {
    checkVectorName(name)
    return resolveVector(name, vectors[name] as VectorParams, defaults)
  })
}

function checkNames(vectors: readonly SchemaVector[]): void {
  if (vectors.length > LIMITS.vectorsPerCollection) {
    throw invalid('sparseVectors', `expected at most ${LIMITS.vectorsPerCollection} vectors in all`, vectors.length)
  }
  const names = vectors.map(({ name }) => name)
  const doubled = names.find((name, i) => names.indexOf(name) !== i)
  if (doubled === undefined) return
  const told = describeValue(doubled).slice(1, -1)
  throw invalid('sparseVectors', `Dense and sparse vector names must be unique - duplicate found with '${told}'`)
}

/** A given key replaces the earlier value; other keys stay. */
function changeSettings(settings: Settings, change: CollectionSettings): Settings {
  const { optimizersConfig, walConfig, strictModeConfig, metadata } = change
  return {
    optimizersConfig: { ...settings.optimizersConfig, ...optimizersConfig },
    walConfig: { ...settings.walConfig, ...walConfig },
    strictModeConfig: strictModeConfig
      ? { ...settings.strictModeConfig, ...strictModeConfig }
      : settings.strictModeConfig,
    metadata: metadata === undefined ? settings.metadata : changeMetadata(settings.metadata, metadata),
  }
}

/** Settings without effect in this database. They are kept and returned. */
function paramsOf(given: CollectionParams, before: CollectionParams = {}): Pick<CollectionConfig, 'params'> {
  const { replicationFactor, writeConsistencyFactor, onDiskPayload, payload } = given
  const { shardNumber, readFanOutFactor, readFanOutDelayMs } = given
  const all = { replicationFactor, writeConsistencyFactor, onDiskPayload, payload }
  const named = { ...all, shardNumber, readFanOutFactor, readFanOutDelayMs }
  const params = { ...before, ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) }
  return Object.keys(params).length === 0 ? {} : { params }
}

function changeMetadata(metadata: Payload | null, change: unknown): Payload {
  // Merges by way of JSON text, so that the result shares no object with the caller.
  const merged = applyPatch({ ...metadata }, checkMetadata(change))
  return checkMetadata(merged)
}

function checkMetadata(metadata: unknown): Payload {
  const text = payloadText(metadata, 'metadata')
  const bytes = Buffer.byteLength(text)
  if (bytes > LIMITS.metadataBytes) {
    throw invalid('metadata', `expected at most ${LIMITS.metadataBytes} bytes of JSON`, bytes)
  }
  return parsePayload(text)
}

/** The configuration after a change. Vectors follow the collection in every setting that they do not override. */
export function changeConfig(config: CollectionConfig, given: ConfigChange): CollectionConfig {
  const change = read(ConfigChange, given, 'library', 'change')
  const changes = change.vectors ?? {}
  for (const name of Object.keys(changes)) {
    if (config.vectors.every((vector) => vector.name !== name)) {
      throw noSuchVector('vectors', name)
    }
  }
  const defaults: Defaults = {
    hnswConfig: resolveHnsw(change.hnswConfig, config.hnswConfig),
    ...(askedQuantization(change) ?? {
      quantization: config.quantization,
      quantizationConfig: config.quantizationConfig,
    }),
  }
  const vectors = config.vectors.map((vector) => {
    const own = Object.hasOwn(changes, vector.name) ? (changes[vector.name] as VectorChange) : {}
    return changeVector(vector, own, defaults)
  })
  const sparseVectors = changeSparse(config.sparseVectors, change.sparseVectors)
  const params = paramsOf(change.params ?? {}, config.params)
  const ids = config.ids ? { ids: config.ids } : {}
  const rules = resolveIngestion(change.ingestion, [...vectors, ...sparseVectors], config.ingestion)
  return { vectors, sparseVectors, ...defaults, ...changeSettings(config, change), ...ids, ...params, ...rules }
}

function isVectorParams(vectors: object): vectors is VectorParams {
  return 'size' in vectors && typeof vectors.size !== 'object'
}

/** Expects `params` that were already read and checked. */
export function resolveVector(name: string, params: VectorParams, defaults: Defaults): ResolvedVector {
  const { size, distance, multivectorConfig, datatype } = params
  if (datatype === 'turbo4') throw unsupported('datatype: turbo4')
  const unchanged = {
    name,
    size,
    distance,
    ...(multivectorConfig ? { multivectorConfig } : {}),
    ...(datatype === undefined || datatype === 'float32' ? {} : { datatype }),
    overrides: {},
    ...inherited({}, 'cached', defaults),
  }
  return changeVector(unchanged, params, defaults)
}

function unsupported(what: string): VicinalError {
  return new VicinalError('NOT_IMPLEMENTED', `${what}: not supported yet`)
}

function changeVector(vector: ResolvedVector, change: VectorChange, defaults: Defaults): ResolvedVector {
  const { onDisk, hnswConfig } = change
  const memory = change.memory ?? placementOf(onDisk) ?? vector.memory.vectors
  const overrides = { ...vector.overrides }
  if (onDisk === false) overrides.onDisk = onDisk
  else if (onDisk || change.memory !== undefined) delete overrides.onDisk
  if (hnswConfig) {
    if (Object.keys(hnswConfig).length > 0) overrides.hnswConfig = { ...overrides.hnswConfig, ...placed(hnswConfig) }
    else delete overrides.hnswConfig
  }
  const asked = askedQuantization(change)
  if (asked) {
    overrides.quantization = asked.quantization
    if (asked.quantizationConfig) overrides.quantizationConfig = asked.quantizationConfig
    else delete overrides.quantizationConfig
  }
  return { ...vector, overrides, ...inherited(overrides, memory, defaults) }
}

function inherited(overrides: VectorOverrides, vectors: MemoryPlacement, defaults: Defaults) {
  const { m, efConstruct, memory } = resolveHnsw(overrides.hnswConfig, defaults.hnswConfig)
  // A vector's own code settings replace the collection's as a whole, their placement included.
  const ofCodes = overrides.quantization ? overrides.quantizationConfig : defaults.quantizationConfig
  return {
    m,
    efConstruct,
    memory: { vectors, graph: memory ?? 'cached', codes: codePlacement(ofCodes) },
    quantization: overrides.quantization ?? defaults.quantization,
  }
}

function resolveHnsw(config: HnswConfig | undefined, defaults: ResolvedHnsw): ResolvedHnsw {
  return { ...defaults, ...placed(config ?? {}) }
}

/** Turns `onDisk` into the placement that it means, and leaves out a threshold of 0. */
function placed({ onDisk, memory = placementOf(onDisk), fullScanThreshold, ...others }: HnswConfig): HnswConfig {
  return { ...others, ...(memory ? { memory } : {}), ...(fullScanThreshold ? { fullScanThreshold } : {}) }
}

function placementOf(onDisk: boolean | undefined): MemoryPlacement | undefined {
  if (onDisk === undefined) return undefined
  return onDisk ? 'cold' : 'cached'
}

/** The setting in both spellings: our name and Qdrant's object. */
interface AskedQuantization {
  quantization: Quantization
  quantizationConfig: QuantizationConfig | null
}

/** null if the caller set neither spelling. */
function askedQuantization(options: Pick<VectorChange, 'quantization' | 'quantizationConfig'>) {
  const { quantization, quantizationConfig } = options
  if (quantizationConfig === undefined) return quantization ? { quantization, quantizationConfig: null } : null
  if (quantizationConfig === 'Disabled') return { quantization: 'none' as const, quantizationConfig: null }
  return { quantization: codesOf(quantizationConfig), quantizationConfig } satisfies AskedQuantization
}

function codesOf(config: QuantizationConfig): Quantization {
  if ('scalar' in config) return 'sq8'
  if ('product' in config) return BY_COMPRESSION[config.product.compression]
  if ('binary' in config) return BY_ENCODING[config.binary.encoding ?? 'one_bit']
  return BY_BITS[config.turbo.bits ?? 'bits4']
}
