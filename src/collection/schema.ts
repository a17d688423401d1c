import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { UNNAMED_VECTOR } from '../core/point.js'
import {
  type CollectionConfig,
  type CollectionOptions,
  DEFAULT_HNSW,
  DISTANCES,
  type Distance,
  type HnswConfig,
  PAYLOAD_INDEX_KINDS,
  type PayloadIndexKind,
  type ResolvedVector,
  type VectorParams,
} from '../core/schema.js'

// A name may not steer a path, a log line or a terminal: no separators, wildcards or control characters.
const FORBIDDEN_IN_NAME = /[<>:"/\\|?*\p{Cc}]/u
const MIN_M = 2
const MIN_EF_CONSTRUCT = 4

/** Fills in every default and checks every bound of a collection's options. */
export function resolveConfig(options: CollectionOptions): CollectionConfig {
  if (options === null || typeof options !== 'object') throw invalid('options', 'expected an object', options)
  const hnswConfig = resolveHnsw(options.hnswConfig, DEFAULT_HNSW, 'hnsw_config')
  const { vectors } = options
  if (vectors === null || typeof vectors !== 'object' || Array.isArray(vectors)) {
    throw invalid('vectors', 'expected vector parameters, or a record of them by name', vectors)
  }
  if (isVectorParams(vectors)) {
    return { vectors: [resolveVector(UNNAMED_VECTOR, vectors, hnswConfig, 'vectors')], hnswConfig }
  }
  const names = Object.keys(vectors)
  if (names.length === 0 || names.length > LIMITS.vectorsPerCollection) {
    throw invalid('vectors', `expected 1 to ${LIMITS.vectorsPerCollection} named vectors`, names.length)
  }
  const resolved = names.map((name) => {
    checkVectorName(name)
    return resolveVector(name, vectors[name] as VectorParams, hnswConfig, `vectors.${name}`)
  })
  return { vectors: resolved, hnswConfig }
}

function isVectorParams(vectors: object): vectors is VectorParams {
  return 'size' in vectors && typeof vectors.size !== 'object'
}

function checkVectorName(name: string): void {
  if (name.length > LIMITS.nameLength || name.length === 0 || FORBIDDEN_IN_NAME.test(name) || !name.isWellFormed()) {
    throw invalid('vectors', `expected names of 1 to ${LIMITS.nameLength} characters without <>:"/\\|?*`, name)
  }
}

function resolveVector(name: string, params: VectorParams, defaults: HnswConfig, field: string): ResolvedVector {
  if (params === null || typeof params !== 'object') throw invalid(field, 'expected { size, distance }', params)
  const { size, distance } = params
  if (!Number.isInteger(size) || size < 1 || size > LIMITS.dimensions) {
    throw invalid(`${field}.size`, `expected an integer from 1 to ${LIMITS.dimensions}`, size)
  }
  if (!DISTANCES.includes(distance)) {
    throw invalid(`${field}.distance`, `expected one of ${DISTANCES.join(', ')}`, distance)
  }
  const hnsw = resolveHnsw(params.hnswConfig, defaults, `${field}.hnsw_config`)
  const onDisk = params.onDisk ?? false
  if (typeof onDisk !== 'boolean') throw invalid(`${field}.on_disk`, 'expected true or false', onDisk)
  return { name, size, distance, m: hnsw.m, efConstruct: hnsw.efConstruct, onDisk }
}

/** `defaults` with the changes of `config`, each within its bounds. */
export function resolveHnsw(config: Partial<HnswConfig> | undefined, defaults: HnswConfig, field: string): HnswConfig {
  const m = config?.m ?? defaults.m
  const efConstruct = config?.efConstruct ?? defaults.efConstruct
  checkInteger(m, MIN_M, LIMITS.m, `${field}.m`)
  checkInteger(efConstruct, MIN_EF_CONSTRUCT, LIMITS.ef, `${field}.ef_construct`)
  return { m, efConstruct }
}

export function checkPayloadIndex(field: unknown, kind: unknown): PayloadIndexKind {
  if (typeof field !== 'string' || field.length === 0 || field.length > LIMITS.nameLength) {
    throw invalid('field_name', `expected a payload path of 1 to ${LIMITS.nameLength} characters`, field)
  }
  if (!PAYLOAD_INDEX_KINDS.includes(kind as PayloadIndexKind)) {
    throw invalid('field_schema', `expected one of ${PAYLOAD_INDEX_KINDS.join(', ')}`, kind)
  }
  return kind as PayloadIndexKind
}

export function checkInteger(value: unknown, least: number, most: number, field: string): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(field, `expected an integer from ${least} to ${most}`, value)
  }
}

const METRICS = { Cosine: 'cosine', Dot: 'dot', Euclid: 'l2', Manhattan: 'l1' } as const

/** The kernel's name of a distance. */
export function metricOf(distance: Distance): (typeof METRICS)[Distance] {
  return METRICS[distance]
}
