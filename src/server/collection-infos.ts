import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Collection, Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import type { ClosedCollection, CollectionInfo } from '../core/schema.js'
import { SharedLook } from './shared-look.js'

/** Collections between two turns of others: a few milliseconds. */
const LOOKS_A_TURN = 16

/** A collection that cannot be served. */
export interface FailedCollection {
  name: string
  why: string
}

export interface LookedAt {
  open: readonly CollectionInfo[]
  closed: readonly ClosedCollection[]
  failed: readonly FailedCollection[]
}

const looks = new WeakMap<Database, SharedLook<LookedAt>>()

/**
 * The info of each open collection, the known facts of each closed one, and why the others cannot be served. Calls at the
 * same time share one look.
 */
export function collectionInfos(database: Database): Promise<LookedAt> {
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

/** The info of an open collection, or the counts of a closed one: looking must not open thousands. */
export async function lookedAt(database: Database, name: string): Promise<CollectionInfo | ClosedCollection> {
  return database.peek ? await database.peek(name) : await (await database.collection(name)).info()
}

/** There may be 10,000 of them, each of which takes a fifth of a millisecond. */
async function infosOf(database: Database): Promise<LookedAt> {
  const open: CollectionInfo[] = []
  const closed: ClosedCollection[] = []
  const failed: FailedCollection[] = []
  for (const [i, name] of (await database.collections()).entries()) {
    try {
      const info = await lookedAt(database, name)
      'status' in info ? open.push(info) : closed.push(info)
    } catch (error) {
      if (!wasDeleted(error)) failed.push({ name, why: (error as Error).message })
    }
    if (i % LOOKS_A_TURN === LOOKS_A_TURN - 1) await nextTurn()
  }
  return { open, closed, failed }
}

/** A collection may be deleted between listing and reading it. */
function wasDeleted(error: unknown): boolean {
  return error instanceof VicinalError && (error.code === 'NOT_FOUND' || error.code === 'CLOSED')
}
