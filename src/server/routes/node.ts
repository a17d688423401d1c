/** Qdrant's routes about nodes, shards and background work, answered for a single node. */
import { createHash } from 'node:crypto'
import Type from 'typebox'
import { VicinalError } from '../../core/errors.js'
import { QuotaConfig } from '../../core/quotas.js'
import type { CollectionInfo } from '../../core/schema.js'
import { tell } from '../../core/vocabulary/teller.js'
import { quotaUsageToWire } from '../../wire/quotas.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, Route } from '../call.js'
import { collectionInfos, type LookedAt } from '../collection-infos.js'
import {
  ChangeParameters,
  ClusterTelemetryParameters,
  OPTIMIZATION_PARTS,
  OptimizationsParameters,
  QuotaParameters,
} from '../parameters.js'
import type { Peers } from '../peers.js'

const ONE = '/collections/:name'
/** The number of the only node; nodes of a cluster have numbers. */
const PEER = 0

/** Routes of clusters, each with the reason for its refusal. */
const OF_CLUSTERS: [method: Route['method'], path: string, why: string][] = [
  ['POST', '/cluster/recover', 'there is no other node to recover from'],
  ['DELETE', '/cluster/peer/:peer', 'there is no other node to remove'],
  ['POST', `${ONE}/cluster`, 'a collection is one shard, which has nowhere to move'],
  ['PUT', `${ONE}/shards`, 'a collection is one shard, without keys'],
  ['POST', `${ONE}/shards/delete`, 'a collection is one shard, without keys'],
]

export function nodeRoutes(peers: Peers | null): Route[] {
  const issues = new Issues()
  const read = { method: 'GET', access: 'read', work: 'read' } as const
  const about = { method: 'GET', access: 'read', work: 'light' } as const
  return [
    {
      ...about,
      path: '/cluster',
      scope: 'all',
      isAdministrative: true,
      run: async () => ({ status: 'disabled', ...(peers ? { vicinal: await peers.describe() } : {}) }),
    },
    {
      ...read,
      path: '/cluster/telemetry',
      scope: 'listed',
      isAdministrative: true,
      summary: 'Collections of the only node.',
      parameters: ClusterTelemetryParameters,
      run: clusterTelemetry,
    },
    { ...read, path: '/quotas', scope: 'all', isAdministrative: true, run: quotas },
    {
      method: 'PUT',
      path: '/quotas',
      access: 'write',
      scope: 'all',
      work: 'write',
      summary: 'Bounds the use of the node.',
      body: QuotaConfig,
      answer: Type.Boolean(),
      parameters: QuotaParameters,
      run: updateQuotas,
    },
    { ...read, path: '/issues', scope: 'listed', isAdministrative: true, run: (call) => issues.list(call) },
    {
      method: 'DELETE',
      path: '/issues',
      access: 'write',
      scope: 'all',
      work: 'write',
      isLocal: true,
      run: (call) => issues.clear(call),
    },
    { ...read, path: `${ONE}/cluster`, scope: 'extras', run: shards },
    { ...read, path: `${ONE}/shards`, scope: 'collection', run: shardKeys },
    {
      ...read,
      path: `${ONE}/optimizations`,
      scope: 'collection',
      summary: 'How far the graph has caught up.',
      parameters: OptimizationsParameters,
      run: optimizations,
    },
    ...OF_CLUSTERS.map(([method, path, why]): Route => {
      const text = `${method} ${path.replace(/:(\w+)/g, '{$1}')}: not on a single node: ${why}`
      const run = () => {
        throw new VicinalError('NOT_IMPLEMENTED', text)
      }
      return { method, path, access: 'write', scope: 'all', work: 'light', parameters: ChangeParameters, run }
    }),
  ]
}

async function quotas(call: Call): Promise<object> {
  const { config, usage, exceeded } = await call.database.quotas(call.options())
  const told = quotaUsageToWire(usage)
  return { config: tell(QuotaConfig, config), usage: told, peers: { [PEER]: { ...told, exceeded } } }
}

async function updateQuotas(call: Call): Promise<boolean> {
  await call.database.updateQuotas(bodyOf(QuotaConfig, call.body ?? null), call.options())
  return true
}

async function infoOf(call: Call): Promise<CollectionInfo> {
  return await (await call.collection()).info(call.options())
}

async function shards(call: Call): Promise<object> {
  const { pointsCount, status } = await infoOf(call)
  const local = { shard_id: 0, points_count: pointsCount, state: status === 'red' ? 'Dead' : 'Active' }
  return { peer_id: PEER, shard_count: 1, local_shards: [local], remote_shards: [], shard_transfers: [] }
}

/** Collections have no shard keys to list. */
async function shardKeys(call: Call): Promise<object> {
  await infoOf(call)
  return { shard_keys: null }
}

async function clusterTelemetry(call: Call): Promise<object> {
  const looked = await allInfos(call)
  const isSeen = ({ name }: { name: string }) => call.rights.sees(name)
  const replicaOf = (name: string, replica: object) => [
    name,
    { id: name, shards: [{ id: 0, key: null, replicas: [replica] }] },
  ]
  const served = looked.open.filter(isSeen).map((info) => {
    const replica = {
      peer_id: PEER,
      state: info.status === 'red' ? 'Dead' : 'Active',
      status: info.status,
      num_points: info.pointsCount,
      num_vectors: info.vectorsCount,
    }
    return replicaOf(info.name, replica)
  })
  const failed = looked.failed.filter(isSeen)
  const dead = failed.map(({ name }) => replicaOf(name, { peer_id: PEER, state: 'Dead', status: 'red' }))
  return { collections: Object.fromEntries([...served, ...dead]), cluster: null }
}

/** The only work to report is the graph's backlog. Finished work is not recorded. */
async function optimizations(call: Call): Promise<object> {
  const asked = new Set(call.parameters.with?.split(',') ?? [])
  const info = await infoOf(call)
  const isBehind = info.status === 'yellow'
  const left = Math.max(0, info.vectorsCount - info.indexedVectorsCount)
  const progress = { name: 'indexing', done: info.indexedVectorsCount, total: info.vectorsCount }
  const running = { uuid: uuidOf(info.name), optimizer: 'indexing', status: 'optimizing', segments: [], progress }
  return {
    summary: {
      queued_optimizations: 0,
      queued_segments: 0,
      queued_points: isBehind ? left : 0,
      idle_segments: Math.max(0, info.segmentsCount - (isBehind ? 1 : 0)),
    },
    running: isBehind ? [running] : [],
    ...Object.fromEntries(OPTIMIZATION_PARTS.filter((part) => asked.has(part)).map((part) => [part, []])),
  }
}

/** The same for each call, because it names the same work. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

async function allInfos(call: Call): Promise<LookedAt> {
  call.options()
  return await collectionInfos(call.database)
}

/** A warning of a collection, or why it cannot be served. */
interface Issue {
  id: string
  /** null where not even the name of the collection can be read. */
  name: string | null
  description: string
}

/** The warnings of collections, until a caller clears them. */
class Issues {
  readonly #seen = new Set<string>()
  readonly #since = new Map<string, string>()

  async list(call: Call): Promise<object> {
    const present = await this.#present(call)
    for (const id of this.#seen) if (!present.has(id)) this.#seen.delete(id)
    for (const id of this.#since.keys()) if (!present.has(id)) this.#since.delete(id)
    const issues = [...present].filter(
      ([id, { name }]) => !this.#seen.has(id) && (name === null ? call.rights.areGlobal : call.rights.sees(name)),
    )
    return {
      issues: issues.map(([id, { description }]) => {
        if (!this.#since.has(id)) this.#since.set(id, new Date().toISOString())
        return { id, description, timestamp: this.#since.get(id) }
      }),
    }
  }

  async clear(call: Call): Promise<boolean> {
    for (const id of (await this.#present(call)).keys()) this.#seen.add(id)
    return true
  }

  /** By their ids. */
  async #present(call: Call): Promise<Map<string, Issue>> {
    const { open, failed } = await allInfos(call)
    const issueOf = (name: string, what: string) => ({
      id: `${name}: ${what}`,
      name,
      description: `Collection \`${name}\`: ${what}`,
    })
    const nameless = (call.database.nameless ?? []).map(({ message }) => {
      return { id: message, name: null, description: `A collection whose name cannot be read: ${message}` }
    })
    const issues: Issue[] = [
      ...failed.map(({ name, why }) => issueOf(name, why)),
      ...nameless,
      ...open.flatMap(({ name, warnings }) => warnings.map((warning) => issueOf(name, warning))),
    ]
    return new Map(issues.map((issue) => [issue.id, issue]))
  }
}
