import { parseStore } from '../bucket/address.js'
import type { ClusterNode } from '../cluster/node.js'
import { LIMITS } from '../core/limits.js'
import type { OpenOptions } from '../engine/database/open.js'
import type { SharingDatabase } from '../engine/database/sharing.js'
import { UsageError } from '../terminal/usage-error.js'
import { type Parsed, readKeys } from './parse-settings.js'
import type { SERVE_SETTINGS } from './settings.js'

type Settings = Parsed<keyof typeof SERVE_SETTINGS>

const ROLES = { 'write,query': ['write', 'query'], write: ['write'], query: ['query'] } as const
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
export async function storeNode(settings: Settings, apiKeys: readonly string[]): Promise<StoreNode | null> {
  const store = settings.text('store')
  if (store === undefined) return null
  const role = settings.text('role') as string
  const roles = Object.hasOwn(ROLES, role) ? ROLES[role as keyof typeof ROLES] : undefined
  if (!roles) throw new UsageError(`--role: expected ${Object.keys(ROLES).join(' or ')}, got ${role}`)
  const clusterKeys = clusterKeysOf(settings, apiKeys)
  const advertised = await advertisedOf(settings, clusterKeys.length > 0)
  const { ClusterNode } = await import('../cluster/node.js')
  const { openNode } = await import('../engine/database/open.js')
  const { checkStoreOptions, groupOptions } = await import('../engine/database/store-options.js')
  const cache = settings.text('cache') as string
  const commitWindowMs = settings.integer('commitWindowMs')
  const options = { cache, ...(commitWindowMs === undefined ? {} : { commitWindowMs }) }
  checkStoreOptions(options, true)
  const node = new ClusterNode({
    address: parseStore(store),
    cacheFolder: cache,
    groupOptions: groupOptions(options),
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

function clusterKeysOf(settings: Settings, apiKeys: readonly string[]): string[] {
  const keys = readKeys(settings.text('clusterKey'), settings.text('clusterKeyFile'))
  if (keys.some((key) => apiKeys.includes(key)))
    throw new UsageError('the cluster key is one of the API keys: expected a key that nodes alone have')
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
