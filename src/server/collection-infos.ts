import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Collection, Database } from '../core/database.js'
import type { CollectionInfo } from '../core/schema.js'
import { SharedLook } from './shared-look.js'

/** Collections between two turns of others: a few milliseconds. */
const INFOS_A_TURN = 16

const looks = new WeakMap<Database, SharedLook<readonly CollectionInfo[]>>()

/** The info of each collection, without those that cannot be served. Calls at the same time share one look. */
export function collectionInfos(database: Database): Promise<readonly CollectionInfo[]> {
  let look = looks.get(database)
  if (!look) {
    look = new SharedLook(() => infosOf(database))
    looks.set(database, look)
  }
  return look.get()
}

const looksAtOne = new WeakMap<Collection, SharedLook<CollectionInfo>>()

/** The same of one collection, with the parts of its files that are in memory. */
export function collectionInfo(collection: Collection): Promise<CollectionInfo> {
  let look = looksAtOne.get(collection)
  if (!look) {
    look = new SharedLook(() => collection.info())
    looksAtOne.set(collection, look)
  }
  return look.get()
}

/** There may be 10,000 of them, each of which takes a fifth of a millisecond. */
async function infosOf(database: Database): Promise<CollectionInfo[]> {
  const infos: CollectionInfo[] = []
  for (const name of await database.collections()) {
    // A collection may be deleted between listing and reading it.
    const info = await database
      .collection(name)
      .then((collection) => collection.info())
      .catch(() => null)
    if (info) infos.push(info)
    if (infos.length % INFOS_A_TURN === 0) await nextTurn()
  }
  return infos
}
