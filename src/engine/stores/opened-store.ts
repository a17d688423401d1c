import type { StoreAddress } from '../../bucket/address.js'
import type { Group } from '../../bucket/group.js'
import type { GroupReader } from '../../bucket/group-reader.js'
import { ALIASES, CATALOGUE, QUOTAS } from '../../bucket/keys.js'
import type { Objects } from '../../bucket/objects.js'
import type { Removals } from '../../bucket/removals.js'
import { VicinalError } from '../../core/errors.js'
import type { Disk } from '../../disk/disk.js'
import type { StoredCollection } from '../collection/collection-home.js'

/** A store as one node has it open: its objects, its database, and the folder of the node's copies. */
export interface OpenedStore {
  address: StoreAddress
  objects: Objects
  /** Set where this node owns the database. */
  owned: OwnedStore | null
  database: Group | GroupReader
  cache: Disk
}

export interface OwnedStore {
  group: Group
  removals: Removals
}

/** The collections that the catalogue names. */
export async function listStored({ database }: Pick<OpenedStore, 'database'>): Promise<StoredCollection[]> {
  const found: StoredCollection[] = []
  for await (const [key, value] of database.scan(CATALOGUE)) {
    const name = Buffer.from(key.subarray(CATALOGUE.length)).toString('utf8')
    const { uuid } = decoded(value, 'the catalogue') as { uuid?: unknown }
    if (typeof uuid !== 'string')
      throw new VicinalError(
        'CORRUPT',
        `the catalogue's entry of ${JSON.stringify(name)} is unreadable: expected a uuid`,
      )
    found.push({ name, uuid })
  }
  return found
}

export async function storedAliases({ database }: Pick<OpenedStore, 'database'>): Promise<Map<string, string>> {
  const value = await database.get(ALIASES)
  return new Map(value ? (decoded(value, 'the aliases') as [string, string][]) : [])
}

export async function storedQuotas({ database }: Pick<OpenedStore, 'database'>): Promise<unknown> {
  const value = await database.get(QUOTAS)
  return value ? decoded(value, 'the quotas') : {}
}

export const asValue = (body: unknown): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify(body), 'utf8'))

function decoded(value: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8'))
  } catch (cause) {
    throw new VicinalError('CORRUPT', `the store's database: ${what}: this is no JSON`, { cause })
  }
}
