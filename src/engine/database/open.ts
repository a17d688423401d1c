import { resolve } from 'node:path'
import { parseStore, type StoreAddress } from '../../bucket/address.js'
import { commitWindowOf } from '../../bucket/group-opening.js'
import { prepareStore } from '../../bucket/prepared-store.js'
import { systemClock } from '../../core/clock.js'
import type { Database } from '../../core/database.js'
import { invalid, type VicinalError } from '../../core/errors.js'
import type { CollectionIssue } from '../../core/issues.js'
import { checkKnown, keysOf } from '../../core/known-keys.js'
import { LIMITS } from '../../core/limits.js'
import type { CallTracing } from '../../core/tracing.js'
import { memoryBudget } from '../memory/memory-budget.js'
import type { SnapshotSettings } from '../snapshots/snapshot-store.js'
import { CacheFolder } from '../stores/cache-folder.js'
import type { CollectionStore } from '../stores/collection-store.js'
import { FolderStore } from '../stores/folder-store.js'
import { MemoryStore } from '../stores/memory-store.js'
import type { NodeStore } from '../stores/node-store.js'
import { OwnerStore } from '../stores/owner-store.js'
import { FolderSource, StoreSource } from '../stores/read-source.js'
import { ReaderStore } from '../stores/reader-store.js'
import { EmbeddedDatabase } from './embedded-database.js'
import { type DatabaseSettings, SharedDatabase } from './shared-database.js'
import type { SharingDatabase } from './sharing.js'
import { checkCachePlace, checkStoreOptions, type StoreOptions, storeOptionsOf } from './store-options.js'

/** Options of `open`. All are optional; an unknown one rejects with INVALID_ARGUMENT. */
export interface OpenOptions extends StoreOptions {
  /** Opens the folder beside a writer. Reads follow the writer's log; writes reject with READ_ONLY. Default false. */
  readOnly?: boolean
  /** Searches that may run or wait. Further ones reject with OVERLOADED. Default LIMITS.concurrentSearches. */
  concurrentSearches?: number
  /**
   * Memory limit of the process in bytes; at least LIMITS.leastMemoryLimitBytes. Default: none.
   *
   * Above it, memory that files back is given back, and rows are written to files earlier. A request that would exceed
   * it waits, or rejects with RESOURCE_EXHAUSTED. If several databases are open in one process, the lowest limit
   * applies.
   */
  memoryLimitBytes?: number
  /**
   * Whether `recoverCollection` and `recover` may fetch from `http://` and `https://`. Only public addresses are
   * allowed. Default false.
   */
  snapshotUrls?: boolean
  /**
   * A collection that was not used for this time, in milliseconds, is closed until its next use. At least 1. Default
   * LIMITS.collectionIdleMs.
   */
  collectionIdleMs?: number
  /** Most bytes of a snapshot that comes from outside. Default LIMITS.snapshotBytes. */
  maxSnapshotBytes?: number
  /**
   * Called once when background work of a collection begins to fail, and once when it succeeds again. Also called for
   * each collection that could not be opened. `info().warnings` has the same texts. If the folder is already open in
   * this process, its first listener stays.
   */
  onIssue?: (issue: CollectionIssue) => void
  /**
   * A tracer of OpenTelemetry. Each call of a collection becomes a span, with spans of its stages below it. Needs the package
   * `@opentelemetry/api`. If the folder is already open in this process, its first tracer stays. Default: no spans.
   */
  tracer?: OpenTelemetryTracer
}

/** The part of OpenTelemetry's `Tracer` that spans are made by. */
export interface OpenTelemetryTracer {
  /** Begins a span, by OpenTelemetry's signature: attributes in `options`, the span above it in `context`. */
  startSpan(name: string, options?: object, context?: never): object
}

const KNOWN = keysOf<OpenOptions>({
  cache: true,
  cacheBytes: true,
  commitWindowMs: true,
  readOnly: true,
  concurrentSearches: true,
  memoryLimitBytes: true,
  snapshotUrls: true,
  maxSnapshotBytes: true,
  collectionIdleMs: true,
  onIssue: true,
  tracer: true,
})
const IN_MEMORY = ':memory:'
const SERVICE = /^https?:\/\//i
const STORE = /^(?:file|s3):\/\//
const DEFAULT_CACHE = 'vicinal-cache'

/** Databases of this process that are open for writing, by absolute folder: a second open shares the first. */
const writers = new Map<string, SharedDatabase>()

/**
 * Opens the database in a folder, on an object store (`'s3://bucket/prefix'`, `'file:///folder'`), or in memory
 * (`':memory:'`). Creates a missing folder with mode 0700, unless `readOnly` is set. A store needs the packages
 * `@slatedb/uniffi` and `opendal`; opening it for writing takes it from the process that wrote it.
 *
 * One process at a time writes a folder. Opening it again in the same process returns another handle on the same
 * database, which closes with its last handle. Options that it gives must equal the first's, except `memoryLimitBytes`.
 *
 * Rejects with LOCKED, naming the holder, while another process writes the folder. Rejects with INVALID_ARGUMENT for a
 * wrong or different option, and with NOT_FOUND if `readOnly` is set and there is no folder. A damaged collection does
 * not prevent the open: it is reported to `onIssue`.
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

/** The same for a service with several serving threads that read the database. */
export async function openSharing(folder: string, options: OpenOptions = {}): Promise<SharingDatabase> {
  if (typeof folder !== 'string' || folder.length === 0)
    throw invalid('folder', "expected a path, the address of a store, or ':memory:'", folder)
  if (SERVICE.test(folder)) {
    const expected =
      "expected a path, the address of a store, or ':memory:'; `connect` of vicinal/client reaches a service"
    throw invalid('folder', expected, folder)
  }
  checkKnown(options, KNOWN)
  checkStoreOptions(options, STORE.test(folder))
  checkMemoryLimit(options.memoryLimitBytes)
  checkIdle(options.collectionIdleMs)
  const tracing = options.tracer === undefined ? null : await tracingOf(options.tracer)
  if (folder === IN_MEMORY) return await openStore(new MemoryStore(), options, tracing)
  // Reads the environment now: a service removes the store's keys from it afterwards.
  const address = STORE.test(folder) ? parseStore(folder) : null
  const cache = resolve(options.cache ?? DEFAULT_CACHE)
  if (address) checkCachePlace(cache, address)
  // Each cache is a node of its own.
  const root = address ? `${folder} ${cache}` : resolve(folder)
  if (options.readOnly) {
    const source = address
      ? await StoreSource.open(address, await CacheFolder.open(cache, options.cacheBytes), storeOptionsOf(options))
      : await FolderSource.open(root)
    return await openStore(new ReaderStore(source), options, tracing)
  }
  for (let shared = writers.get(root); shared; shared = writers.get(root)) {
    if (!shared.closing) return await openAgain(shared, options)
    await shared.closing.catch(() => undefined)
  }
  const settings = settingsOf(options, address)
  const snapshots = { urls: settings.snapshotUrls, maxBytes: settings.maxSnapshotBytes }
  const opening = address
    ? openOwning(address, cache, { ...options, snapshots })
    : FolderStore.open(root, systemClock, snapshots)
  const opened = new SharedDatabase(
    opening.then((store) => openStore(store, options, tracing)),
    settings,
    () => writers.delete(root),
  )
  writers.set(root, opened)
  return await opened.handle()
}

async function tracingOf(tracer: unknown): Promise<CallTracing> {
  if (typeof (tracer as Partial<OpenTelemetryTracer> | null)?.startSpan !== 'function')
    throw invalid('tracer', 'expected a tracer of OpenTelemetry', tracer)
  const { traceCalls } = await import('../../tracing/open.js')
  return await traceCalls(tracer as OpenTelemetryTracer)
}

async function openOwning(
  address: StoreAddress,
  cache: string,
  { snapshots, ...options }: OpenOptions & { snapshots: SnapshotSettings },
): Promise<OwnerStore> {
  const folder = await CacheFolder.open(cache, options.cacheBytes)
  await prepareStore(address).catch(async (error) => {
    await folder.release()
    throw error
  })
  const reason =
    'another process has opened the store: this one takes no writes and answers from older data; open the store again'
  const onEnd = ({ code }: VicinalError) =>
    options.onIssue?.({ collection: null, about: 'store', code, reason, isOver: false })
  return await OwnerStore.open(address, folder, { ...storeOptionsOf(options), snapshots, onEnd })
}

function settingsOf(options: OpenOptions, address: StoreAddress | null): DatabaseSettings {
  const { concurrentSearches, snapshotUrls, maxSnapshotBytes, collectionIdleMs, commitWindowMs, cacheBytes } = options
  return {
    concurrentSearches: concurrentSearches ?? LIMITS.concurrentSearches,
    snapshotUrls: snapshotUrls ?? false,
    maxSnapshotBytes: maxSnapshotBytes ?? LIMITS.snapshotBytes,
    collectionIdleMs: collectionIdleMs ?? LIMITS.collectionIdleMs,
    commitWindowMs: address && commitWindowOf(address, commitWindowMs),
    cacheBytes: address && (cacheBytes ?? LIMITS.cacheBytes),
  }
}

/** Options that are left out stay as they are. A memory limit is added until the database closes. */
async function openAgain(shared: SharedDatabase, options: OpenOptions): Promise<SharingDatabase> {
  for (const [name, value] of Object.entries(shared.settings)) {
    const asked = options[name as keyof DatabaseSettings]
    if (asked !== undefined && asked !== value)
      throw invalid(name, `the folder is open already with ${name} ${value}`, asked)
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

function checkIdle(ms: unknown): void {
  if (ms !== undefined && !(Number.isSafeInteger(ms) && (ms as number) >= 1))
    throw invalid('collectionIdleMs', 'expected an integer of at least 1', ms)
}

/** Opens a database on the store of a node that may change its role while it is served. */
export async function openNode(store: NodeStore, options: OpenOptions): Promise<EmbeddedDatabase> {
  return await openStore(store, options)
}

async function openStore(
  store: CollectionStore,
  options: OpenOptions,
  tracing: CallTracing | null = null,
): Promise<EmbeddedDatabase> {
  const { concurrentSearches, memoryLimitBytes, collectionIdleMs, onIssue } = options
  const unlimit = memoryLimitBytes === undefined ? () => {} : memoryBudget.limit(memoryLimitBytes)
  try {
    const database = await EmbeddedDatabase.open(store, {
      ...(concurrentSearches === undefined ? {} : { concurrentSearches }),
      ...(collectionIdleMs === undefined ? {} : { collectionIdleMs }),
      ...(onIssue ? { onIssue } : {}),
      tracing,
      onClosed: unlimit,
    })
    const reason = store.notice ?? null
    if (reason !== null) onIssue?.({ collection: null, about: 'cache', code: null, reason, isOver: false })
    return database
  } catch (error) {
    unlimit()
    await store.close([])
    throw error
  }
}
