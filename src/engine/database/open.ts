import { resolve } from 'node:path'
import { systemClock } from '../../core/clock.js'
import type { Database } from '../../core/database.js'
import { invalid } from '../../core/errors.js'
import type { CollectionIssue } from '../../core/issues.js'
import { checkKnown, keysOf } from '../../core/known-keys.js'
import { LIMITS } from '../../core/limits.js'
import { memoryBudget } from '../memory/memory-budget.js'
import type { CollectionStore } from '../stores/collection-store.js'
import { FolderStore } from '../stores/folder-store.js'
import { MemoryStore } from '../stores/memory-store.js'
import { ReaderStore } from '../stores/reader-store.js'
import { EmbeddedDatabase } from './embedded-database.js'
import { type DatabaseSettings, SharedDatabase } from './shared-database.js'
import type { SharingDatabase } from './sharing.js'

export interface OpenOptions {
  /** Open beside a writer: reads follow its log; writes reject with READ_ONLY. */
  readOnly?: boolean
  /** Searches running or waiting before OVERLOADED. Default LIMITS.concurrentSearches. */
  concurrentSearches?: number
  /**
   * Bytes of memory that the process is to keep to: what files stand behind is given back, rows are brought to files
   * earlier, and what would go beyond waits, or rejects with RESOURCE_EXHAUSTED. At least LIMITS.leastMemoryLimitBytes.
   * Of several databases in one process the least limit holds, while they are open.
   */
  memoryLimitBytes?: number
  /** Whether `recoverCollection` may fetch from `http://` and `https://`, public addresses alone. Default false. */
  snapshotUrls?: boolean
  /** Bytes of a snapshot that comes from outside. Default LIMITS.snapshotBytes. */
  maxSnapshotBytes?: number
  /**
   * Told once when work behind reads and writes of a collection begins to fail, when it goes right again, and of what could
   * not be opened. Nobody is told by default; `info().warnings` has the same. A folder that is open already has its first.
   */
  onIssue?: (issue: CollectionIssue) => void
}

const KNOWN = keysOf<OpenOptions>({
  readOnly: true,
  concurrentSearches: true,
  memoryLimitBytes: true,
  snapshotUrls: true,
  maxSnapshotBytes: true,
  onIssue: true,
})
const IN_MEMORY = ':memory:'

/** Databases of this process that are open for writing, by absolute folder: a second open shares the first. */
const writers = new Map<string, SharedDatabase>()

/**
 * Opens the database in a folder, making it where there is none, or one in memory (`':memory:'`).
 *
 * One process writes a folder at a time; another gets LOCKED, naming the holder. Opening it again in the same
 * process returns a handle on the same database, which closes with its last handle; of its options those that
 * differ from the first's reject with INVALID_ARGUMENT, but for a limit of memory.
 *
 * @example
 * const db = await open('./data')
 * const photos = await db.createCollection('photos', { vectors: { size: 4, distance: 'Cosine' } })
 * await photos.upsert([{ id: 1, vector: [0.1, 0.2, 0.3, 0.4], payload: { place: 'Oslo' } }])
 * const near = await photos.query({ query: [0.1, 0.2, 0.3, 0.4], limit: 3 })
 */
export async function open(folder: string, options: OpenOptions = {}): Promise<Database> {
  return await openSharing(folder, options)
}

/** The same, for who has other threads read it. */
export async function openSharing(folder: string, options: OpenOptions = {}): Promise<SharingDatabase> {
  if (typeof folder !== 'string' || folder.length === 0)
    throw invalid('folder', "expected a path or ':memory:'", folder)
  checkKnown(options, KNOWN)
  checkMemoryLimit(options.memoryLimitBytes)
  if (folder === IN_MEMORY) return await openStore(new MemoryStore(), options)
  const root = resolve(folder)
  if (options.readOnly) return await openStore(await ReaderStore.open(root), options)
  for (let shared = writers.get(root); shared; shared = writers.get(root)) {
    if (!shared.closing) return await openAgain(shared, options)
    await shared.closing.catch(() => undefined)
  }
  const settings = settingsOf(options)
  const { snapshotUrls: urls, maxSnapshotBytes: maxBytes } = settings
  const opened = new SharedDatabase(
    FolderStore.open(root, systemClock, { urls, maxBytes }).then((store) => openStore(store, options)),
    settings,
    () => writers.delete(root),
  )
  writers.set(root, opened)
  return await opened.handle()
}

function settingsOf({ concurrentSearches, snapshotUrls, maxSnapshotBytes }: OpenOptions): DatabaseSettings {
  return {
    concurrentSearches: concurrentSearches ?? LIMITS.concurrentSearches,
    snapshotUrls: snapshotUrls ?? false,
    maxSnapshotBytes: maxSnapshotBytes ?? LIMITS.snapshotBytes,
  }
}

/** What is left out is as it was; a limit of memory is one more, until the database closes. */
async function openAgain(shared: SharedDatabase, options: OpenOptions): Promise<SharingDatabase> {
  for (const [name, value] of Object.entries(shared.settings)) {
    const asked = options[name as keyof DatabaseSettings]
    if (asked !== undefined && asked !== value) throw invalid(name, `the folder is open already with ${value}`, asked)
  }
  const handle = await shared.handle()
  if (options.memoryLimitBytes !== undefined) shared.limit(options.memoryLimitBytes)
  return handle
}

function checkMemoryLimit(bytes: unknown): void {
  const least = LIMITS.leastMemoryLimitBytes
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && (bytes as number) >= least)) {
    throw invalid('memoryLimitBytes', `expected an integer of at least ${least}`, bytes)
  }
}

async function openStore(store: CollectionStore, options: OpenOptions): Promise<EmbeddedDatabase> {
  const { concurrentSearches, memoryLimitBytes, onIssue } = options
  const unlimit = memoryLimitBytes === undefined ? () => {} : memoryBudget.limit(memoryLimitBytes)
  try {
    return await EmbeddedDatabase.open(store, {
      ...(concurrentSearches === undefined ? {} : { concurrentSearches }),
      ...(onIssue ? { onIssue } : {}),
      onClosed: unlimit,
    })
  } catch (error) {
    unlimit()
    await store.close()
    throw error
  }
}
