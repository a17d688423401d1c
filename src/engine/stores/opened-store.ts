import type { StoreAddress } from '../../bucket/address.js'
import type { Group } from '../../bucket/group.js'
import type { GroupReader } from '../../bucket/group-reader.js'
import { ALIASES, CATALOGUE, QUOTAS } from '../../bucket/keys.js'
import type { Objects } from '../../bucket/objects.js'
import type { Removals } from '../../bucket/removals.js'
import { aliasesIn, catalogueEntry, quotasIn } from '../../bucket/values.js'
import { VicinalError } from '../../core/errors.js'
import type { StoredCollection } from '../collection/collection-home.js'
import type { SegmentCache } from './segment-cache.js'

/** A store as one node has it open: its objects, its database, and the folder of the node's copies. */
export interface OpenedStore {
  address: StoreAddress
  objects: Objects
  /** Set where this node owns the database. */
  owned: OwnedStore | null
  database: Group | GroupReader
  cache: SegmentCache
}

export interface OwnedStore {
  group: Group
  removals: Removals
}

export function ownedOf({ owned }: Pick<OpenedStore, 'owned'>): OwnedStore {
  if (owned) return owned
  throw new VicinalError('READ_ONLY', 'this node does not own the store')
}

/** The collections that the catalogue names. */
export async function listStored({ database }: Pick<OpenedStore, 'database'>): Promise<StoredCollection[]> {
  const found: StoredCollection[] = []
  for await (const [key, value] of database.scan(CATALOGUE)) found.push(catalogueEntry(key, value))
  return found
}

export async function storedAliases({ database }: Pick<OpenedStore, 'database'>): Promise<Map<string, string>> {
  const value = await database.get(ALIASES)
  return value ? aliasesIn(value) : new Map()
}

export async function storedQuotas({ database }: Pick<OpenedStore, 'database'>): Promise<unknown> {
  const value = await database.get(QUOTAS)
  return value ? quotasIn(value) : {}
}

export const asValue = (body: unknown): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify(body), 'utf8'))
