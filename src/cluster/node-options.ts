import type { StoreAddress } from '../bucket/address.js'
import type { NodeStoreParts } from '../engine/stores/node-store.js'
import type { Role } from './heartbeats.js'

export interface NodeOptions {
  address: StoreAddress
  cacheFolder: string
  /** Default LIMITS.cacheBytes. */
  cacheBytes?: number
  roles: readonly Role[]
  /** Settings of the node's cache, and of the store's database while this node owns it. */
  storeOptions?: NodeStoreParts['options']
  /** Heartbeats of an owner that have not changed for this time have another node take the store. */
  ownerTimeoutMs: number
  /** Nodes know each other by these keys. A node without any forwards nothing and takes nothing over. */
  keys: readonly string[]
  log(line: string): void
}
