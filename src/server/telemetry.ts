/** The service's telemetry in Qdrant's shape. Nothing is sent anywhere: it only answers a GET. */
import { arch, availableParallelism, endianness, platform, release, totalmem } from 'node:os'
import type { Database } from '../core/database.js'
import type { ClosedCollection, CollectionInfo } from '../core/schema.js'
import { Disk } from '../disk/disk.js'
import { infoToWire } from '../wire/collection-info.js'
import { collectionInfos, type FailedCollection, type LookedAt } from './collection-infos.js'
import { digestOf } from './digest.js'
import type { Metrics } from './metrics.js'
import type { Rights } from './rights.js'
import { TITLE, VERSION } from './versions.js'

const KIB = 1024

export interface TelemetryParts {
  id: string
  started: string
  /** null while it is being opened. */
  database: Database | null
  metrics: Metrics
  /** Level of detail: 0 the service, 1 the process, 2 collections, 3 or more all of each collection. */
  level: number
  /** Whether names of collections are replaced by digests. */
  anonymize: boolean
}

/** A token of single collections sees them, and nothing of the service as a whole. */
export async function telemetry(parts: TelemetryParts, rights: Rights): Promise<object> {
  const { id, started, database, metrics, level } = parts
  const names = database ? (await database.collections()).filter((name) => rights.sees(name)) : []
  const app = { name: TITLE, version: VERSION, startup: started }
  const collections = { number_of_collections: names.length }
  if (level < 1) return { id, app, collections }
  const about = {
    id,
    app: { ...app, system: await system() },
    collections:
      level < 2 || !database
        ? collections
        : { ...collections, collections: told(seenOf(await collectionInfos(database), rights), parts) },
  }
  if (!rights.areGlobal) return about
  return {
    ...about,
    cluster: { enabled: false },
    requests: { rest: { responses: await metrics.responses() }, grpc: { responses: {} } },
    memory: memory(),
  }
}

function seenOf({ open, closed, failed }: LookedAt, rights: Rights): LookedAt {
  const isSeen = ({ name }: { name: string }) => rights.sees(name)
  return { open: open.filter(isSeen), closed: closed.filter(isSeen), failed: failed.filter(isSeen) }
}

/** Memory of the machine, or of the container. */
function availableBytes(): number {
  const constrained = process.constrainedMemory?.() ?? 0
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}

async function system(): Promise<object> {
  return {
    distribution: platform(),
    distribution_version: release(),
    is_docker: await new Disk('/').exists('.dockerenv'),
    cores: availableParallelism(),
    ram_size: Math.floor(availableBytes() / KIB),
    cpu_flags: arch(),
    cpu_endian: endianness() === 'LE' ? 'little' : 'big',
  }
}

/** Qdrant's names come from its allocator; Node's nearest counters fill them. */
function memory(): object {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  return {
    active_bytes: heapTotal + external,
    allocated_bytes: heapUsed + external,
    metadata_bytes: 0,
    resident_bytes: rss,
    retained_bytes: heapTotal - heapUsed,
  }
}

function told({ open, closed, failed }: LookedAt, parts: TelemetryParts): object[] {
  return [
    ...open.map((info) => toldOpen(info, parts)),
    ...closed.map((one) => toldClosed(one, parts)),
    ...failed.map((one) => toldFailed(one, parts)),
  ]
}

function toldFailed({ name, why }: FailedCollection, { level, anonymize }: TelemetryParts): object {
  if (level < 3) return { optimizers_status: { error: why } }
  return { id: anonymize ? digestOf(name) : name, shards: [shardOf({ status: 'red' }, 'Dead')] }
}

/** Leaves out the unknown figures of a closed collection. Its counts are as of its close. */
function toldClosed({ name, counts }: ClosedCollection, { level, anonymize }: TelemetryParts): object {
  if (level < 3) return { vectors: counts?.vectorsCount, optimizers_status: 'ok' }
  const local = {
    status: 'closed',
    total_optimized_points: counts?.indexedVectorsCount,
    num_points: counts?.pointsCount,
    num_vectors: counts?.vectorsCount,
  }
  return { id: anonymize ? digestOf(name) : name, shards: [shardOf(local)] }
}

function shardOf(local: object, state: 'Active' | 'Dead' = 'Active'): object {
  return { id: 0, key: null, local, remote: [], replicate_states: { 0: state } }
}

function toldOpen(info: CollectionInfo, { level, anonymize }: TelemetryParts): object {
  const { config, optimizer_status } = infoToWire(info) as {
    config: Record<string, unknown>
    optimizer_status: unknown
  }
  if (level < 3) return { vectors: info.vectorsCount, optimizers_status: optimizer_status, params: config.params }
  const local = {
    status: info.status,
    total_optimized_points: info.indexedVectorsCount,
    num_points: info.pointsCount,
    num_vectors: info.vectorsCount,
    vectors_size_bytes: Object.values(info.memory.vectors).reduce((sum, { vectors }) => sum + vectors.bytes, 0),
    payloads_size_bytes: info.memory.payload?.bytes ?? 0,
  }
  const id = anonymize ? digestOf(info.name) : info.name
  return { id, config: anonymize ? { ...config, metadata: null } : config, shards: [shardOf(local)] }
}
