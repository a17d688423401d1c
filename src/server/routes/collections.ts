import { writeBigJson } from '../../core/big-json.js'
import { RawJson, UNNAMED_VECTOR } from '../../core/point.js'
import type { CollectionInfo, HnswConfig, ResolvedSparse, ResolvedVector } from '../../core/schema.js'
import type { OptimizersConfig, WalConfig } from '../../core/settings.js'
import { collectionOf, configChangeOf } from '../../wire/collection.js'
import { memoryToWire } from '../../wire/memory.js'
import { wireIndexSchema } from '../../wire/payload-index.js'
import type { Call, Route } from '../call.js'
import { collectionInfo } from '../collection-infos.js'

const ALL = '/collections'
const ONE = '/collections/:name'

export const collectionRoutes: Route[] = [
  { method: 'GET', path: ALL, access: 'read', work: 'read', run: list },
  { method: 'GET', path: ONE, access: 'read', work: 'read', run: info },
  { method: 'PUT', path: ONE, access: 'write', work: 'write', run: create },
  { method: 'PATCH', path: ONE, access: 'write', work: 'write', run: update },
  { method: 'DELETE', path: ONE, access: 'write', work: 'write', run: remove },
  { method: 'GET', path: `${ONE}/exists`, access: 'read', work: 'read', run: exists },
  // Ours: what the library's flush and waitForIndex do.
  { method: 'POST', path: `${ONE}/flush`, access: 'write', work: 'write', run: flush },
  { method: 'POST', path: `${ONE}/wait-for-index`, access: 'read', work: 'read', run: waitForIndex },
]

async function list(call: Call): Promise<unknown> {
  const names = await call.database.collections(call.options())
  return { collections: names.map((name) => ({ name })) }
}

async function info(call: Call): Promise<unknown> {
  const collection = await call.collection()
  call.options()
  return wireInfo(await collectionInfo(collection))
}

async function create(call: Call): Promise<boolean> {
  await call.database.createCollection(call.collectionName, collectionOf(call.body), call.options())
  return true
}

async function update(call: Call): Promise<boolean> {
  const collection = await call.collection()
  await collection.updateConfig(configChangeOf(call.body), call.options())
  return true
}

function remove(call: Call): Promise<boolean> {
  return call.database.deleteCollection(call.collectionName, call.options())
}

async function exists(call: Call): Promise<unknown> {
  const exists = await call.database.hasCollection(call.collectionName, call.options())
  if (!exists) return { exists }
  // Ours: the collection's own name, where an alias was asked for. One that is damaged exists too, but has no handle.
  const name = await call.collection().then(
    (collection) => collection.name,
    () => call.collectionName,
  )
  return name === call.collectionName ? { exists } : { exists, name }
}

async function flush(call: Call): Promise<boolean> {
  const collection = await call.collection()
  await collection.flush(call.options())
  return true
}

async function waitForIndex(call: Call): Promise<boolean> {
  const collection = await call.collection()
  await collection.waitForIndex(call.options())
  return true
}

/**
 * Qdrant's shape of a collection, which has settings that mean nothing here: those say what holds for one node
 * that keeps vectors in memory. `vectors_count`, `log_bytes`, `tail_bytes`, `recall`,
 * `memory` and `quantization` are ours.
 */
export function wireInfo(info: CollectionInfo): object {
  const { hnswConfig, quantization, quantizationConfig } = info.config
  return {
    status: info.status,
    optimizer_status: info.optimizerStatus,
    warnings: info.warnings.map((message) => ({ message })),
    indexed_vectors_count: info.indexedVectorsCount,
    points_count: info.pointsCount,
    segments_count: info.segmentsCount,
    vectors_count: info.vectorsCount,
    log_bytes: info.logBytes,
    tail_bytes: info.tailBytes,
    update_queue: info.updateQueue,
    recall: info.recall,
    memory: memoryToWire(info.memory),
    config: {
      params: {
        vectors: wireVectors(info),
        ...(info.config.sparseVectors.length > 0 ? { sparse_vectors: wireSparse(info.config.sparseVectors) } : {}),
        shard_number: 1,
        replication_factor: 1,
        write_consistency_factor: 1,
        on_disk_payload: false,
      },
      hnsw_config: { full_scan_threshold: 0, ...wireHnsw(hnswConfig) },
      optimizer_config: wireOptimizers(info.config.optimizersConfig),
      wal_config: wireWal(info.config.walConfig),
      quantization_config: quantizationConfig,
      quantization,
      strict_mode_config: info.config.strictModeConfig,
      // As its text, since it may have any key and integers of any length.
      metadata: info.config.metadata && new RawJson(writeBigJson(info.config.metadata)),
    },
    payload_schema: Object.fromEntries(
      Object.entries(info.payloadSchema).map(([field, { kind, points, params }]) => [
        field,
        { data_type: kind, points, ...(params ? { params: wireIndexSchema({ type: kind, ...params }) } : {}) },
      ]),
    ),
  }
}

/** Qdrant's defaults where they hold here too; `given`, ours, is what was set. */
function wireOptimizers(given: OptimizersConfig): object {
  const threads = given.max_optimization_threads
  return {
    deleted_threshold: 0.2,
    vacuum_min_vector_number: 1000,
    default_segment_number: 0,
    flush_interval_sec: 5,
    ...given,
    max_optimization_threads: threads === 'auto' ? null : (threads ?? null),
    given,
  }
}

function wireWal(given: WalConfig): object {
  const retained = Math.max(1, given.wal_retain_closed ?? 1)
  return { wal_capacity_mb: 64, wal_segments_ahead: 0, ...given, wal_retain_closed: retained, given }
}

function wireVectors(info: CollectionInfo): object {
  const { vectors } = info.config
  const only = vectors[0]
  if (vectors.length === 1 && only?.name === UNNAMED_VECTOR) return wireVector(only)
  return Object.fromEntries(vectors.map((vector) => [vector.name, wireVector(vector)]))
}

function wireSparse(vectors: readonly ResolvedSparse[]): object {
  return Object.fromEntries(
    vectors.map(({ name, modifier, index }) => [
      name,
      {
        ...(modifier === 'none' ? {} : { modifier }),
        ...(index
          ? {
              index: {
                full_scan_threshold: index.fullScanThreshold,
                on_disk: index.onDisk,
                memory: index.memory,
                datatype: index.datatype,
              },
            }
          : {}),
      },
    ]),
  )
}

/** What was asked for the vector alone; the rest is the collection's. */
function wireVector({ size, distance, multivectorConfig, datatype, memory, overrides }: ResolvedVector): object {
  const { hnswConfig, quantization, quantizationConfig } = overrides
  return {
    size,
    distance,
    ...(multivectorConfig ? { multivector_config: multivectorConfig } : {}),
    ...(datatype ? { datatype } : {}),
    ...(hnswConfig ? { hnsw_config: wireHnsw(hnswConfig) } : {}),
    ...(quantizationConfig ? { quantization_config: quantizationConfig } : {}),
    ...(quantization ? { quantization } : {}),
    ...(memory.vectors === 'cached' ? {} : { memory: memory.vectors }),
    // For those who know no other word.
    ...(memory.vectors === 'cold' ? { on_disk: true } : {}),
  }
}

function wireHnsw({ m, efConstruct, memory, tuning }: Partial<HnswConfig>): object {
  const placed = memory === undefined ? {} : { memory, on_disk: memory === 'cold' }
  return { m, ef_construct: efConstruct, ...placed, ...tuning }
}
