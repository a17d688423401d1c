/** Answers of the service as the values of the Database interface. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Hit, PointGroup, ReadOptions, ScrollPage, StoredPoint, WriteResult } from '../core/database.js'
import { ERROR_CATALOGUE, type ErrorCode, VicinalError } from '../core/errors.js'
import type { MemoryPlacement } from '../core/memory.js'
import type { PayloadIndexKind } from '../core/payload-index.js'
import { type Payload, type PointId, RawJson, type StoredVector, UNNAMED_VECTOR } from '../core/point.js'
import { codePlacement, type Quantization, type QuantizationConfig } from '../core/quantization.js'
import type { SearchMatrix } from '../core/query.js'
import {
  type CollectionConfig,
  type CollectionInfo,
  type Datatype,
  DEFAULT_HNSW,
  type Distance,
  type HnswConfig,
  type MultivectorConfig,
  type ResolvedSparse,
  type ResolvedVector,
  type SparseIndexParams,
  type SparseModifier,
  type VectorOverrides,
} from '../core/schema.js'
import type { HnswTuning, OptimizersConfig, StrictModeConfig, WalConfig } from '../core/settings.js'
import { UNBOUNDED } from '../wire/body-bounds.js'
import type { WireObject } from '../wire/fields.js'
import { parseJson } from '../wire/json.js'
import { memoryOfWire } from '../wire/memory.js'
import { indexParamsOf } from '../wire/payload-index.js'

export interface Envelope {
  result?: unknown
  status?: { error?: string; code?: string; details?: Record<string, unknown> } | 'ok'
}

const MS_PER_SECOND = 1000
const WRONG_INPUT = 'Wrong input: '

/** The error the service had, or for what is not from the service (a proxy's 502), the nearest to its status. */
export function errorOfAnswer(status: number, headers: IncomingHttpHeaders, envelope: Envelope | null): VicinalError {
  const told = typeof envelope?.status === 'object' ? envelope.status : {}
  const code = isCode(told.code) ? told.code : codeOfStatus(status)
  const message =
    told.error?.startsWith(WRONG_INPUT) && code === 'INVALID_ARGUMENT'
      ? told.error.slice(WRONG_INPUT.length)
      : told.error
  const retryAfterSeconds = Number(headers['retry-after'] ?? Number.NaN)
  return new VicinalError(code, message ?? `The answer has status ${status} and is not from Vicinal`, {
    details: told.details ?? {},
    ...(Number.isFinite(retryAfterSeconds) ? { retryAfterMs: retryAfterSeconds * MS_PER_SECOND } : {}),
  })
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code)
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 502 || status === 504) return 'UNAVAILABLE'
  const found = Object.entries(ERROR_CATALOGUE).find(([, entry]) => entry.status === status)
  if (found) return found[0] as ErrorCode
  return status >= 400 && status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'
}

export function writeResultOf(result: unknown): WriteResult {
  const { operation_id: operationId, ...others } = result as Omit<WriteResult, 'operationId'> & { operation_id: number }
  return { operationId, ...others }
}

type WireVector = Buffer | Buffer[] | { indices: number[] | Buffer; values: number[] | Buffer }

interface WirePoint {
  id: PointId
  version?: number
  score?: number
  payload?: Buffer | null
  vector?: WireVector | Record<string, WireVector> | null
  order_value?: number | bigint | null
}

export function pointsOf<P>(points: unknown, options: ReadOptions): StoredPoint<P>[] {
  return (points as WirePoint[]).map((point) => pointOf<P>(point, options))
}

export function hitsOf<P>(result: unknown, options: ReadOptions): Hit<P>[] {
  return scoredOf<P>((result as { points: WirePoint[] }).points, options)
}

export function groupsOf<P>(result: unknown, options: ReadOptions): PointGroup<P>[] {
  const { groups } = result as { groups: { id: PointGroup['id']; hits: WirePoint[]; lookup?: WirePoint | null }[] }
  return groups.map(({ id, hits, lookup }) => ({
    id,
    hits: scoredOf<P>(hits, options),
    ...(lookup === undefined ? {} : { lookup: lookup && pointOf<Payload>(lookup, options) }),
  }))
}

function scoredOf<P>(points: readonly WirePoint[], options: ReadOptions): Hit<P>[] {
  return points.map((wire) => {
    const hit = pointOf<P>(wire, options) as Hit<P>
    hit.version = wire.version ?? 0
    hit.score = wire.score ?? 0
    return hit
  })
}

export function matrixOfOffsets(result: unknown): SearchMatrix {
  const {
    ids,
    offsets_row: rows,
    offsets_col: columns,
    scores,
  } = result as {
    ids: PointId[]
    offsets_row: number[]
    offsets_col: number[]
    scores: Buffer
  }
  const distances = floatsOf(scores)
  const pairs = rows.map((row, i) => ({
    a: ids[row] as PointId,
    b: ids[columns[i] as number] as PointId,
    score: distances[i] as number,
  }))
  return { ids, pairs }
}

export function pageOf<P>(result: unknown, options: ReadOptions): ScrollPage<P> {
  const { points, next_page_offset: next } = result as { points: unknown; next_page_offset: PointId | null }
  return { points: pointsOf<P>(points, options), nextOffset: next ?? null }
}

function pointOf<P>(wire: WirePoint, options: ReadOptions): StoredPoint<P> {
  const point: StoredPoint<P> = { id: wire.id }
  if (wire.payload) {
    point.payload = (
      options.rawPayload
        ? new RawJson(wire.payload.toString('utf8'))
        : parseJson(wire.payload, 'answer payload', UNBOUNDED)
    ) as P
  }
  if (wire.vector) point.vector = vectorOf(wire.vector)
  if (wire.order_value !== undefined && wire.order_value !== null) point.orderValue = wire.order_value
  return point
}

function vectorOf(vector: WireVector | Record<string, WireVector>): StoredVector | Record<string, StoredVector> {
  if (Buffer.isBuffer(vector) || Array.isArray(vector)) return storedOf(vector)
  return Object.fromEntries(Object.entries(vector).map(([name, one]) => [name, storedOf(one as WireVector)]))
}

function storedOf(vector: WireVector): StoredVector {
  if (Array.isArray(vector)) return vector.map(floatsOf)
  if (Buffer.isBuffer(vector)) return floatsOf(vector)
  const { indices, values } = vector
  return {
    indices: Buffer.isBuffer(indices) ? new Uint32Array(floatsOf(indices).buffer) : Uint32Array.from(indices),
    values: Buffer.isBuffer(values) ? floatsOf(values) : Float32Array.from(values),
  }
}

/** Copies: the bin lies anywhere in the answer, and should not keep all of it alive. */
function floatsOf(bin: Buffer): Float32Array {
  return new Float32Array(Uint8Array.from(bin).buffer)
}

interface WireVectorParams {
  size: number
  multivector_config?: MultivectorConfig
  datatype?: Datatype
  distance: Distance
  hnsw_config?: WireHnsw
  quantization?: Quantization
  quantization_config?: QuantizationConfig
  memory?: MemoryPlacement
}
interface WireSparseParams {
  modifier?: SparseModifier
  index?: {
    full_scan_threshold?: number | null
    on_disk?: boolean | null
    memory?: MemoryPlacement | null
    datatype?: SparseIndexParams['datatype']
  }
}
interface WireHnsw extends HnswTuning {
  m?: number
  ef_construct?: number
  memory?: MemoryPlacement
}

interface WireInfo {
  status: CollectionInfo['status']
  optimizer_status: CollectionInfo['optimizerStatus']
  warnings: { message: string }[]
  indexed_vectors_count: number
  points_count: number
  segments_count: number
  vectors_count: number
  log_bytes: number
  tail_bytes: number
  memory: unknown
  recall: CollectionInfo['recall']
  config: {
    params: {
      vectors: WireVectorParams | Record<string, WireVectorParams>
      sparse_vectors?: Record<string, WireSparseParams>
    }
    hnsw_config: WireHnsw
    quantization: Quantization
    quantization_config: QuantizationConfig | null
    optimizer_config: { given?: OptimizersConfig }
    wal_config: { given?: WalConfig }
    strict_mode_config: StrictModeConfig | null
    metadata: Buffer | null
  }
  update_queue: { length: number }
  payload_schema: Record<string, { data_type: PayloadIndexKind; points: number; params?: WireObject }>
}

export function infoOf(name: string, result: unknown): CollectionInfo {
  const info = result as WireInfo
  const { quantization, quantization_config: quantizationConfig } = info.config
  const defaults = {
    hnswConfig: { ...DEFAULT_HNSW, ...hnswOf(info.config.hnsw_config) },
    quantization,
    quantizationConfig,
  }
  return {
    name,
    status: info.status,
    optimizerStatus: info.optimizer_status,
    pointsCount: info.points_count,
    indexedVectorsCount: info.indexed_vectors_count,
    vectorsCount: info.vectors_count,
    segmentsCount: info.segments_count,
    config: {
      vectors: vectorsOf(info.config.params.vectors, defaults),
      sparseVectors: sparseOf(info.config.params.sparse_vectors),
      ...defaults,
      ...settingsOf(info.config),
    },
    payloadSchema: Object.fromEntries(
      Object.entries(info.payload_schema).map(([field, { data_type: kind, points, params }]) => [
        field,
        params ? { kind, points, params: indexParamsOf(kind, params) } : { kind, points },
      ]),
    ),
    logBytes: info.log_bytes,
    tailBytes: info.tail_bytes,
    updateQueue: info.update_queue,
    memory: memoryOfWire(info.memory),
    recall: info.recall,
    warnings: info.warnings.map((warning) => warning.message),
  }
}

function settingsOf({ optimizer_config, wal_config, strict_mode_config, metadata }: WireInfo['config']) {
  return {
    optimizersConfig: optimizer_config.given ?? {},
    walConfig: wal_config.given ?? {},
    strictModeConfig: strict_mode_config,
    metadata: metadata === null ? null : (parseJson(metadata, 'answer metadata') as Payload),
  }
}

function vectorsOf(
  vectors: WireInfo['config']['params']['vectors'],
  {
    hnswConfig,
    quantization,
    quantizationConfig,
  }: Pick<CollectionConfig, 'hnswConfig' | 'quantization' | 'quantizationConfig'>,
): ResolvedVector[] {
  const named = typeof vectors.size === 'number' ? { [UNNAMED_VECTOR]: vectors as WireVectorParams } : vectors
  return Object.entries(named as Record<string, WireVectorParams>).map(([name, params]) => ({
    name,
    size: params.size,
    distance: params.distance,
    ...(params.datatype ? { datatype: params.datatype } : {}),
    ...(params.multivector_config ? { multivectorConfig: params.multivector_config } : {}),
    m: params.hnsw_config?.m ?? hnswConfig.m,
    efConstruct: params.hnsw_config?.ef_construct ?? hnswConfig.efConstruct,
    memory: {
      vectors: params.memory ?? 'cached',
      graph: params.hnsw_config?.memory ?? hnswConfig.memory ?? 'cached',
      codes: codePlacement(params.quantization ? params.quantization_config : quantizationConfig),
    },
    quantization: params.quantization ?? quantization,
    overrides: overridesOf(params),
  }))
}

function sparseOf(vectors: Record<string, WireSparseParams> = {}): ResolvedSparse[] {
  return Object.entries(vectors).map(([name, { modifier = 'none', index }]) => {
    if (!index) return { name, size: 0, modifier, index: null }
    const { full_scan_threshold: fullScanThreshold, on_disk: onDisk, memory, datatype } = index
    const given = { fullScanThreshold, onDisk, memory, datatype }
    const known = Object.entries(given).filter(([, value]) => value !== undefined && value !== null)
    return { name, size: 0, modifier, index: Object.fromEntries(known) as SparseIndexParams }
  })
}

function overridesOf({
  hnsw_config: hnsw,
  quantization,
  quantization_config: given,
}: WireVectorParams): VectorOverrides {
  const overrides: VectorOverrides = {}
  if (hnsw) overrides.hnswConfig = hnswOf(hnsw)
  if (quantization) overrides.quantization = quantization
  if (given) overrides.quantizationConfig = given
  return overrides
}

function hnswOf({ m, ef_construct: efConstruct, memory, ...others }: WireHnsw): Partial<HnswConfig> {
  const { full_scan_threshold, max_indexing_threads, payload_m, inline_storage } = others
  // The first is always told; 0 is where it was not given.
  const told = {
    ...(full_scan_threshold ? { full_scan_threshold } : {}),
    max_indexing_threads,
    payload_m,
    inline_storage,
  }
  const tuning = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)) as HnswTuning
  return {
    ...(Object.keys(tuning).length === 0 ? {} : { tuning }),
    ...(m === undefined ? {} : { m }),
    ...(efConstruct === undefined ? {} : { efConstruct }),
    ...(memory === undefined ? {} : { memory }),
  }
}
