import { resolve } from 'node:path'
import type { Database } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { type CollectionStore, EmbeddedDatabase } from './embedded-database.js'
import { FolderStore } from './folder-store.js'
import { MemoryStore } from './memory-store.js'
import { ReaderStore } from './reader-store.js'
import { SharedDatabase } from './shared-database.js'

export interface OpenOptions {
  /** Open beside a writer: reads follow its log; writes reject with READ_ONLY. */
  readOnly?: boolean
  /** Searches running or waiting before OVERLOADED. Default LIMITS.concurrentSearches. */
  concurrentSearches?: number
}

const IN_MEMORY = ':memory:'

/** Databases of this process that are open for writing, by absolute folder: a second open shares the first. */
const writers = new Map<string, SharedDatabase>()

/**
 * Opens the database in a folder, making it where there is none, or one in memory (`':memory:'`).
 *
 * One process writes a folder at a time; another gets LOCKED, naming the holder. Opening it again in the same
 * process returns a handle on the same database, which closes with its last handle.
 *
 * @example
 * const db = await open('./data')
 * const photos = await db.createCollection('photos', { vectors: { size: 4, distance: 'Cosine' } })
 * await photos.upsert([{ id: 1, vector: [0.1, 0.2, 0.3, 0.4], payload: { place: 'Oslo' } }])
 * const near = await photos.query({ query: [0.1, 0.2, 0.3, 0.4], limit: 3 })
 */
export async function open(folder: string, options: OpenOptions = {}): Promise<Database> {
  if (typeof folder !== 'string' || folder.length === 0)
    throw invalid('folder', "expected a path or ':memory:'", folder)
  if (folder === IN_MEMORY) return await openStore(new MemoryStore(), options)
  const root = resolve(folder)
  if (options.readOnly) return await openStore(await ReaderStore.open(root), options)
  for (let shared = writers.get(root); shared; shared = writers.get(root)) {
    if (!shared.closing) return await shared.handle()
    await shared.closing.catch(() => undefined)
  }
  const opened = new SharedDatabase(
    FolderStore.open(root).then((store) => openStore(store, options)),
    () => writers.delete(root),
  )
  writers.set(root, opened)
  return await opened.handle()
}

async function openStore(store: CollectionStore, { concurrentSearches }: OpenOptions): Promise<EmbeddedDatabase> {
  try {
    return await EmbeddedDatabase.open(store, concurrentSearches === undefined ? {} : { concurrentSearches })
  } catch (error) {
    await store.close()
    throw error
  }
}
