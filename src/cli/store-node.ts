import { parseStore } from '../bucket/address.js'
import type { ClusterNode } from '../cluster/node.js'
import { LIMITS } from '../core/limits.js'
import type { OpenOptions } from '../engine/database/open.js'
import type { SharingDatabase } from '../engine/database/sharing.js'
import { parseBytes } from '../terminal/bytes.js'
import { UsageError } from '../terminal/usage-error.js'
import { type Parsed, readKeys } from './parse-settings.js'
import type { SERVE_SETTINGS } from './settings.js'

type Settings = Parsed<keyof typeof SERVE_SETTINGS>

const ROLES = { 'write,query': ['write', 'query'], write: ['write'], query: ['query'] } as const
const MIB = 1024 * 1024
/** Settings that a database in a folder does not have. */
const STORE_ALONE = [
  ['role', '--role'],
  ['cache', '--cache'],
  ['cacheBytes', '--cache-bytes'],
  ['commitWindowMs', '--commit-window-ms'],
  ['advertise', '--advertise'],
  ['ownerTimeoutMs', '--owner-timeout-ms'],
] as const
const WILDCARDS = ['0.0.0.0', '::', '*', '']

/** A node of a store, as `serve` starts it: it opens once its address is known. */
export interface StoreNode {
  peers: ClusterNode
  clusterKeys: readonly string[]
  open(options: OpenOptions): Promise<SharingDatabase>
  /** Tells the node its address, so that it can open. */
  listensOn(url: string): void
  /** The service will not listen: an opening that waits for its address fails. */
  giveUp(): void
  /** Stops heartbeats and takeovers. Call it before closing the database. */
  stop(): Promise<void>
  /** Removes the heartbeat. Call it after closing the database. */
  leave(): Promise<void>
}

/** Null for a data folder. Reads the environment now: the store's keys leave it afterwards. */
export async function storeNode(
  settings: Settings,
  apiKeys: readonly string[],
  memoryLimitBytes: number | undefined,
): Promise<StoreNode | null> {
  const store = settings.text('store')
  checkPlace(settings)
  if (store === undefined) return null
  const role = settings.text('role') as string
  const roles = Object.hasOwn(ROLES, role) ? ROLES[role as keyof typeof ROLES] : undefined
  if (!roles) throw new UsageError(`--role: expected ${Object.keys(ROLES).join(' or ')}, got ${role}`)
  const clusterKeys = clusterKeysOf(settings, apiKeys)
  const advertised = await advertisedOf(settings, clusterKeys.length > 0)
  const { ClusterNode } = await import('../cluster/node.js')
  const { openNode } = await import('../engine/database/open.js')
  const { checkCachePlace, MOST_COMMIT_WINDOW_MS, storeOptionsOf } = await import('../engine/database/store-options.js')
  const cache = settings.text('cache') as string
  const commitWindowMs = settings.integer('commitWindowMs')
  const cacheBytes = parseBytes(settings.text('cacheBytes') as string, '--cache-bytes')
  if (cacheBytes < LIMITS.leastCacheBytes)
    throw new UsageError(
      `--cache-bytes: expected at least ${LIMITS.leastCacheBytes / MIB} MiB, got ${cacheBytes} bytes`,
    )
  const options = { cache, cacheBytes, ...(commitWindowMs === undefined ? {} : { commitWindowMs }) }
  if (commitWindowMs !== undefined && !(commitWindowMs >= 1 && commitWindowMs <= MOST_COMMIT_WINDOW_MS))
    throw new UsageError(`--commit-window-ms: expected 1 to ${MOST_COMMIT_WINDOW_MS}, got ${commitWindowMs}`)
  const address = parseStore(store)
  checkCachePlace(cache, address)
  const node = new ClusterNode({
    address,
    cacheFolder: cache,
    cacheBytes,
    storeOptions: {
      ...storeOptionsOf({ ...options, memoryLimitBytes }),
      snapshots: {
        urls: settings.isOn('snapshotUrls'),
        maxBytes: settings.integer('maxSnapshotBytes') as number,
      },
    },
    roles,
    ownerTimeoutMs: ownerTimeoutOf(settings),
    keys: clusterKeys,
    log: (line) => process.stderr.write(`vicinal: ${line}\n`),
  })
  let listensOn: (url: string) => void = () => {}
  let giveUp: () => void = () => {}
  const listening = new Promise<string>((resolve, reject) => {
    listensOn = resolve
    giveUp = () => reject(new Error('the service stopped before it listened'))
  })
  listening.catch(() => undefined)
  return {
    peers: node,
    clusterKeys,
    open: async (options) => await node.start(advertised ?? (await listening), (opened) => openNode(opened, options)),
    listensOn,
    giveUp() {
      giveUp()
      node.giveUp()
    },
    stop: () => node.stop(),
    leave: () => node.leave(),
  }
}

/** Throws where a database on a store and one in a folder are mixed up. */
function checkPlace(settings: Settings): void {
  if (settings.text('store') !== undefined) {
    // The container's and the unit's environments always have a folder.
    if (settings.source('data') !== null && settings.source('data') !== 'environment')
      throw new UsageError('--data: a database is in a folder or on a store: expected --data or --store, got both')
    return
  }
  for (const [name, flag] of STORE_ALONE)
    if (settings.source(name) !== null) throw new UsageError(`${flag}: only a database on a store has it: add --store`)
}

function clusterKeysOf(settings: Settings, apiKeys: readonly string[]): string[] {
  const keys = readKeys(settings.text('clusterKey'), settings.text('clusterKeyFile'))
  if (keys.some((key) => apiKeys.includes(key)))
    throw new UsageError('the cluster key is one of the API keys: expected a key that nodes alone have')
  const least = LIMITS.leastClusterKeyLength
  const short = keys.find((key) => key.length < least)
  if (short !== undefined)
    throw new UsageError(`the cluster key: expected at least ${least} characters, got ${short.length}`)
  return keys
}

async function advertisedOf(settings: Settings, isNeeded: boolean): Promise<string | undefined> {
  const advertised = settings.text('advertise')
  if (advertised !== undefined) {
    const { isAddress } = await import('../cluster/heartbeats.js')
    if (!isAddress(advertised)) throw new UsageError(`--advertise: expected http(s)://host:port, got ${advertised}`)
    return new URL(advertised).origin
  }
  const host = settings.text('host') as string
  if (isNeeded && WILDCARDS.includes(host))
    throw new UsageError(`--advertise: required with --host ${host}: the URL at which other nodes reach this one`)
  return undefined
}

function ownerTimeoutOf(settings: Settings): number {
  const ms = settings.integer('ownerTimeoutMs') as number
  const { leastOwnerTimeoutMs: least, mostOwnerTimeoutMs: most } = LIMITS
  if (ms < least || ms > most) throw new UsageError(`--owner-timeout-ms: expected ${least} to ${most}, got ${ms}`)
  return ms
}
