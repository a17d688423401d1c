import { invalid } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { MemoryPlacement } from '../../core/memory.js'
import { type Payload, UNNAMED_VECTOR } from '../../core/point.js'
import { codePlacement } from '../../core/quantization.js'
import {
  type CollectionConfig,
  type CollectionOptions,
  type CollectionSettings,
  type ConfigChange,
  DATATYPES,
  DEFAULT_HNSW,
  DISTANCES,
  type HnswConfig,
  type ResolvedVector,
  type SchemaVector,
  type VectorChange,
  type VectorOverrides,
  type VectorParams,
} from '../../core/schema.js'
import { applyPatch } from '../../filter/payload.js'
import { parsePayload } from '../../filter/payload-json.js'
import { payloadText } from '../../ingest/payload-text.js'
import { askedQuantization } from './quantization.js'
import { hnswTuningOf, optimizersOf, strictModeOf, walOf } from './settings.js'
import { changeSparse, resolveSparse } from './sparse-schema.js'
import { checkPlacement, checkVectorName } from './vector-checks.js'

const NO_GRAPH = 0
const MIN_M = 2
const MIN_EF_CONSTRUCT = 4

type Defaults = Pick<CollectionConfig, 'hnswConfig' | 'quantization' | 'quantizationConfig'>
type Settings = Omit<CollectionConfig, 'vectors' | 'sparseVectors' | keyof Defaults>

const NO_SETTINGS: Settings = { optimizersConfig: {}, walConfig: {}, strictModeConfig: null, metadata: null }

/** Fills in every default and checks every bound of a collection's options. */
export function resolveConfig(options: CollectionOptions): CollectionConfig {
  if (options === null || typeof options !== 'object') throw invalid('options', 'expected an object', options)
  const defaults: Defaults = {
    hnswConfig: resolveHnsw(options.hnswConfig, DEFAULT_HNSW, 'hnsw_config'),
    ...(askedQuantization(options, '') ?? { quantization: 'auto', quantizationConfig: null }),
  }
  const settings = changeSettings(NO_SETTINGS, options)
  // What is made with a null in it has it; in a change a null takes its key away.
  const metadata = isGiven(options.metadata) ? checkMetadata(options.metadata) : null
  const sparseVectors = resolveSparse(options.sparseVectors)
  const vectors = sparseVectors.length > 0 && !isGiven(options.vectors) ? [] : resolveVectors(options.vectors, defaults)
  checkNames([...vectors, ...sparseVectors])
  return { vectors, sparseVectors, ...defaults, ...settings, metadata }
}

function resolveVectors(vectors: CollectionOptions['vectors'], defaults: Defaults): ResolvedVector[] {
  if (vectors === undefined || vectors === null || typeof vectors !== 'object' || Array.isArray(vectors)) {
    throw invalid('vectors', 'expected vector parameters, or a record of them by name', vectors)
  }
  if (isVectorParams(vectors)) {
    return [resolveVector(UNNAMED_VECTOR, vectors, defaults, 'vectors')]
  }
  const names = Object.keys(vectors)
  if (names.length === 0 || names.length > LIMITS.vectorsPerCollection) {
    throw invalid('vectors', `expected 1 to ${LIMITS.vectorsPerCollection} named vectors`, names.length)
  }
  return names.map((name) => {
    checkVectorName(name)
    return resolveVector(name, vectors[name] as VectorParams, defaults, `vectors.${name}`)
  })
}

function checkNames(vectors: readonly SchemaVector[]): void {
  if (vectors.length > LIMITS.vectorsPerCollection) {
    throw invalid('sparse_vectors', `expected at most ${LIMITS.vectorsPerCollection} vectors in all`, vectors.length)
  }
  const names = vectors.map(({ name }) => name)
  const doubled = names.find((name, i) => names.indexOf(name) !== i)
  if (doubled !== undefined) throw invalid('sparse_vectors', 'expected names that no other vector has', doubled)
}

/** Each key that is given takes the place of what was; the others stay. */
function changeSettings(settings: Settings, change: CollectionSettings): Settings {
  const { optimizersConfig, walConfig, strictModeConfig, metadata } = change
  return {
    optimizersConfig: { ...settings.optimizersConfig, ...optimizersOf(optimizersConfig) },
    walConfig: { ...settings.walConfig, ...walOf(walConfig) },
    strictModeConfig: isGiven(strictModeConfig)
      ? { ...settings.strictModeConfig, ...strictModeOf(strictModeConfig) }
      : settings.strictModeConfig,
    metadata: isGiven(metadata) ? changeMetadata(settings.metadata, metadata) : settings.metadata,
  }
}

function isGiven<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null
}

function changeMetadata(metadata: Payload | null, change: unknown): Payload {
  // By way of the text, so that neither shares anything with the caller's objects.
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

/** The configuration after a change. Vectors follow the collection in all that was not asked for them alone. */
export function changeConfig(config: CollectionConfig, change: ConfigChange): CollectionConfig {
  if (change === null || typeof change !== 'object') throw invalid('change', 'expected an object', change)
  const changes = change.vectors ?? {}
  if (typeof changes !== 'object' || Array.isArray(changes)) {
    throw invalid('vectors', 'expected changes by vector name', changes)
  }
  for (const name of Object.keys(changes)) {
    if (config.vectors.every((vector) => vector.name !== name)) {
      throw invalid('vectors', 'Not existing vector name', name)
    }
  }
  const defaults: Defaults = {
    hnswConfig: resolveHnsw(change.hnswConfig, config.hnswConfig, 'hnsw_config'),
    ...(askedQuantization(change, '') ?? {
      quantization: config.quantization,
      quantizationConfig: config.quantizationConfig,
    }),
  }
  const vectors = config.vectors.map((vector) => {
    const own = Object.hasOwn(changes, vector.name) ? (changes[vector.name] as VectorChange) : {}
    return changeVector(vector, own, defaults, `vectors.${vector.name}`)
  })
  const sparseVectors = changeSparse(config.sparseVectors, change.sparseVectors)
  return { vectors, sparseVectors, ...defaults, ...changeSettings(config, change) }
}

function isVectorParams(vectors: object): vectors is VectorParams {
  return 'size' in vectors && typeof vectors.size !== 'object'
}

export function resolveVector(name: string, params: VectorParams, defaults: Defaults, field: string): ResolvedVector {
  if (params === null || typeof params !== 'object') throw invalid(field, 'expected { size, distance }', params)
  const { size, distance } = params
  if (!Number.isInteger(size) || size < 1 || size > LIMITS.dimensions) {
    throw invalid(`${field}.size`, `expected an integer from 1 to ${LIMITS.dimensions}`, size)
  }
  if (!DISTANCES.includes(distance)) {
    throw invalid(`${field}.distance`, `expected one of ${DISTANCES.join(', ')}`, distance)
  }
  const multi = multivectorOf(params, field)
  const rounded = datatypeOf(params, field)
  const unchanged = {
    name,
    size,
    distance,
    ...multi,
    ...rounded,
    overrides: {},
    ...inherited({}, 'cached', defaults, field),
  }
  return changeVector(unchanged, params, defaults, field)
}

function changeVector(vector: ResolvedVector, change: VectorChange, defaults: Defaults, field: string): ResolvedVector {
  if (change === null || typeof change !== 'object') throw invalid(field, 'expected an object', change)
  const asMemory = { true: 'cold', false: 'cached' } as const
  const { onDisk } = change
  if (onDisk !== undefined && typeof onDisk !== 'boolean') {
    throw invalid(`${field}.on_disk`, 'expected true or false', onDisk)
  }
  const memory = change.memory ?? (onDisk === undefined ? vector.memory.vectors : asMemory[`${onDisk}`])
  checkPlacement(memory, `${field}.memory`)
  const overrides = { ...vector.overrides }
  if (change.hnswConfig) {
    const { m, efConstruct, memory: graph, tuning } = change.hnswConfig
    const given = {
      ...(m === undefined ? {} : { m }),
      ...(efConstruct === undefined ? {} : { efConstruct }),
      ...(graph === undefined ? {} : { memory: graph }),
      ...(tuning === undefined
        ? {}
        : { tuning: { ...overrides.hnswConfig?.tuning, ...hnswTuningOf(tuning, `${field}.hnsw_config`) } }),
    }
    if (Object.keys(given).length > 0) overrides.hnswConfig = { ...overrides.hnswConfig, ...given }
    else delete overrides.hnswConfig
  }
  const asked = askedQuantization(change, `${field}.`)
  if (asked) {
    overrides.quantization = asked.quantization
    if (asked.quantizationConfig) overrides.quantizationConfig = asked.quantizationConfig
    else delete overrides.quantizationConfig
  }
  return { ...vector, overrides, ...inherited(overrides, memory, defaults, field) }
}

function inherited(overrides: VectorOverrides, vectors: MemoryPlacement, defaults: Defaults, field: string) {
  const { m, efConstruct, memory } = resolveHnsw(overrides.hnswConfig, defaults.hnswConfig, `${field}.hnsw_config`)
  // What is asked for one vector's codes says all of them, where they are too.
  const ofCodes = overrides.quantization ? overrides.quantizationConfig : defaults.quantizationConfig
  return {
    m,
    efConstruct,
    memory: { vectors, graph: memory ?? 'cached', codes: codePlacement(ofCodes) },
    quantization: overrides.quantization ?? defaults.quantization,
  }
}

/** `defaults` with the changes of `config`, each within its bounds. */
export function resolveHnsw(config: Partial<HnswConfig> | undefined, defaults: HnswConfig, field: string): HnswConfig {
  const m = config?.m ?? defaults.m
  const efConstruct = config?.efConstruct ?? defaults.efConstruct
  if (m !== NO_GRAPH) checkM(m, `${field}.m`)
  checkInteger(efConstruct, MIN_EF_CONSTRUCT, LIMITS.ef, `${field}.ef_construct`)
  const memory = config?.memory ?? defaults.memory
  if (memory !== undefined) checkPlacement(memory, `${field}.memory`)
  const tuning = { ...defaults.tuning, ...hnswTuningOf(config?.tuning, field) }
  return {
    m,
    efConstruct,
    ...(memory === undefined ? {} : { memory }),
    ...(Object.keys(tuning).length === 0 ? {} : { tuning }),
  }
}

function checkM(m: unknown, field: string): void {
  const isM = Number.isInteger(m) && (m as number) >= MIN_M && (m as number) <= LIMITS.m
  if (!isM) throw invalid(field, `expected 0 for no graph, or an integer from ${MIN_M} to ${LIMITS.m}`, m)
}

export function checkInteger(value: unknown, least: number, most: number, field: string): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(field, `expected an integer from ${least} to ${most}`, value)
  }
}

function multivectorOf({ multivectorConfig }: VectorParams, field: string): Pick<VectorParams, 'multivectorConfig'> {
  if (multivectorConfig === undefined || multivectorConfig === null) return {}
  const { comparator } = multivectorConfig
  if (comparator !== 'max_sim') throw invalid(`${field}.multivector_config.comparator`, 'expected max_sim', comparator)
  return { multivectorConfig: { comparator } }
}

function datatypeOf({ datatype }: VectorParams, field: string): Pick<VectorParams, 'datatype'> {
  if (datatype === undefined || datatype === null || datatype === 'float32') return {}
  if (!DATATYPES.includes(datatype))
    throw invalid(`${field}.datatype`, `expected one of ${DATATYPES.join(', ')}`, datatype)
  return { datatype }
}
