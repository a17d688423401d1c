import type { AliasAction, AliasDescription } from '../../core/aliases.js'
import { copied } from '../../core/copied.js'
import type { CallOptions, Collection } from '../../core/database.js'
import { invalid, noSuchLookup, notFound, VicinalError } from '../../core/errors.js'
import { givenIfAny } from '../../core/given-options.js'
import type { CollectionIssue } from '../../core/issues.js'
import { LIMITS } from '../../core/limits.js'
import { Mutex } from '../../core/mutex.js'
import { checkCollectionName } from '../../core/names.js'
import type { Payload } from '../../core/point.js'
import { QuotaConfig, type QuotaStatus } from '../../core/quotas.js'
import type { CollectionOptions } from '../../core/schema.js'
import { RecoverOptions, type SnapshotSource, type Snapshots } from '../../core/snapshots.js'
import type { Untyped } from '../../core/untyped.js'
import { read } from '../../core/vocabulary/reader.js'
import { AliasBook } from '../catalogue/alias-book.js'
import { catalogChanges } from '../catalogue/catalog-changes.js'
import { alreadyThere, cannotBeServed, takenByAlias } from '../catalogue/catalog-errors.js'
import { newManifest } from '../catalogue/new-manifest.js'
import { untilDone, withCall } from '../collection/call-scope.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import { EmbeddedCollection } from '../collection/embedded-collection.js'
import { ofOpening } from '../collection/issues.js'
import { resolveConfig } from '../config/schema.js'
import { ConcurrentSearches } from '../limits/concurrent-searches.js'
import { QuotaGuard } from '../limits/quota-guard.js'
import { mapsOfSegment } from '../memory/map-room.js'
import { EmbeddedSnapshots, type SnapshotHost, snapshotStoreOf } from '../snapshots/embedded-snapshots.js'
import type { SnapshotStore } from '../snapshots/snapshot-store.js'
import type { StagedCollection } from '../snapshots/staged-collection.js'
import type { CollectionStore, DamagedCollection } from '../stores/collection-store.js'
import { EnsuringDatabase } from './ensuring-database.js'
import { type SharedCollection, type SharingDatabase, sharedOf } from './sharing.js'

export interface DatabaseOptions {
  concurrentSearches?: number
  onClosed?: () => void
  onIssue?: (issue: CollectionIssue) => void
}

/** The database of this process: its collections by name. Creating and removing collections takes turns. */
export class EmbeddedDatabase extends EnsuringDatabase implements SharingDatabase {
  readonly #store: CollectionStore
  readonly #engines = new Map<string, CollectionEngine>()
  readonly #handles = new WeakMap<CollectionEngine, EmbeddedCollection>()
  readonly #damaged: DamagedCollection[] = []
  readonly nameless: Error[] = []
  /** Collections whose files could not be removed yet. Deleting or creating one of the name retries it. */
  readonly #removing = new Map<string, Pick<CollectionEngine, 'uuid' | 'close'>>()
  readonly #aliases: AliasBook
  readonly #admission: ConcurrentSearches
  readonly #onClosed: () => void
  readonly #onIssue: (issue: CollectionIssue) => void
  readonly #quotas: QuotaGuard
  /** Running work that a close waits for, besides the turns. */
  readonly #underway = new Set<Promise<unknown>>()
  readonly #host: SnapshotHost
  readonly snapshots: Snapshots
  readonly #mutex = new Mutex()
  #closed: Promise<void> | null = null
  private constructor(store: CollectionStore, { concurrentSearches, onClosed, onIssue }: DatabaseOptions) {
    super()
    this.#store = store
    this.#aliases = new AliasBook((aliases) => store.saveAliases(aliases))
    this.#admission = new ConcurrentSearches(concurrentSearches ?? LIMITS.concurrentSearches)
    this.#onClosed = onClosed ?? (() => {})
    this.#onIssue = onIssue ?? (() => {})
    this.#quotas = new QuotaGuard({ nowMs: () => performance.now(), diskPercent: () => store.diskPercent() })
    this.#host = {
      snapshots: store.snapshots,
      checkOpen: () => this.#checkOpen(),
      checkWritable: () => this.#checkWritable(),
      engines: () => [...this.#engines.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
      aliases: () => this.#aliases.current,
      untilDone: (work) => this.#untilDone(work),
    }
    this.snapshots = new EmbeddedSnapshots(this.#host, null)
  }

  static async open(store: CollectionStore, options: DatabaseOptions = {}): Promise<EmbeddedDatabase> {
    const database = new EmbeddedDatabase(store, options)
    await store.openAll({
      add: (engine) => database.#put(engine),
      remove: (engine) => {
        // Another collection that replaced this one may have its name.
        if (database.#engines.get(engine.name) === engine) database.#take(engine.name)
      },
      addDamaged: (damaged) => {
        if (damaged.name === null) database.nameless.push(damaged.error)
        database.#addDamaged(damaged)
      },
      setAliases: (aliases) => database.#aliases.set(aliases),
      addDamagedAliases: (error) => {
        database.#aliases.setTrouble(error)
        database.#addDamaged({ name: null, uuid: null, error })
      },
    })
    await store.loadQuotas().then(
      (saved) => database.#quotas.set(read(QuotaConfig, saved ?? {}, 'library', 'quotas')),
      (error: VicinalError) => database.#quotas.setTrouble(error),
    )
    return database
  }

  async createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    this.#checkWritable()
    checkCollectionName(name)
    const config = resolveConfig(options)
    const engine = await withCall(call, () =>
      this.#mutex.run(async () => {
        if (this.#isCollection(name)) throw alreadyThere(name)
        if (this.#aliases.has(name)) throw takenByAlias(name)
        this.#checkCount()
        const unread = this.#damaged.find(mayHaveAnyName)
        if (unread) throw cannotBeServed(name, unread.error)
        await this.#finishRemoving(name)
        await this.#quotas.maps.admit('another collection', mapsOfSegment(config))
        return await this.#made(name, undefined, () => this.#store.create(newManifest(name, config)))
      }),
    )
    return this.#handle<P>(engine)
  }

  async collection<P = Payload>(name: string): Promise<Collection<P>> {
    this.#checkOpen()
    checkCollectionName(name)
    return this.#handle<P>(this.#engineOf(name))
  }

  share(name: string): SharedCollection | null {
    const engine = this.#engines.get(this.#aliases.resolve(name))
    // A collection with strict mode is not shared, because its bounds are counted in one place.
    return engine && !engine.strictMode ? sharedOf(engine.view) : null
  }

  #put(engine: CollectionEngine): CollectionEngine {
    this.#engines.set(engine.name, engine)
    catalogChanges.note()
    engine.watchIssues((issue) => this.#onIssue({ collection: engine.name, ...issue }))
    return engine
  }

  #addDamaged(damaged: DamagedCollection): void {
    this.#damaged.push(damaged)
    this.#onIssue(ofOpening(damaged.name, damaged.error, false))
  }

  #take(name: string): void {
    this.#engines.delete(name)
    catalogChanges.note()
  }

  /** Finds a collection by its name or an alias. */
  #engineOf(name: string, missing = (name: string) => notFound('Collection', name)): CollectionEngine {
    const meant = this.#aliases.resolve(name)
    const engine = this.#engines.get(meant)
    if (engine) return engine
    const damaged = this.#damagedAs(meant)
    if (damaged) throw cannotBeServed(meant, damaged.error)
    throw missing(name)
  }

  /** One handle for all callers, since a service asks for it at each request. */
  #handle<P>(engine: CollectionEngine): Collection<P> {
    let handle = this.#handles.get(engine)
    if (!handle) {
      handle = new EmbeddedCollection(engine, {
        admission: this.#admission,
        quotas: this.#quotas,
        aliases: () => this.#aliases.of(engine.name),
        snapshots: new EmbeddedSnapshots(this.#host, engine),
        catalog: (name) => this.#engineOf(name, noSuchLookup),
      })
      this.#handles.set(engine, handle)
    }
    return handle as Untyped<Collection> as Collection<P>
  }

  async updateAliases(actions: readonly AliasAction[], call?: CallOptions): Promise<void> {
    this.#checkWritable()
    const changes = copied(actions)
    await withCall(call, () => this.#mutex.run(() => this.#aliases.change(changes, this.#isCollection)))
  }

  readonly #isCollection = (name: string): boolean =>
    this.#engines.has(name) || this.#damaged.some((damaged) => damaged.name === name)

  async quotas(call?: CallOptions): Promise<QuotaStatus> {
    this.#checkOpen()
    return await withCall(call, () => this.#quotas.status())
  }

  async updateQuotas(config: QuotaConfig, call?: CallOptions): Promise<void> {
    this.#checkWritable()
    const quotas = read(QuotaConfig, config, 'library', 'config')
    await withCall(call, () =>
      this.#mutex.run(async () => {
        await this.#store.saveQuotas(quotas)
        this.#quotas.set(quotas)
      }),
    )
  }

  async aliases(call?: CallOptions): Promise<AliasDescription[]> {
    this.#checkOpen()
    return await withCall(call, async () => this.#aliases.list())
  }

  async collections(call?: CallOptions): Promise<string[]> {
    this.#checkOpen()
    return await withCall(call, async () => {
      const damaged = this.#damaged.flatMap(({ name }) => (name === null ? [] : [name]))
      return [...this.#engines.keys(), ...damaged].sort()
    })
  }

  /** The damaged collection of this name, or one whose name cannot be read and might be this one. */
  #damagedAs(name: string): DamagedCollection | undefined {
    return this.#damaged.find((entry) => entry.name === name) ?? this.#damaged.find((entry) => entry.name === null)
  }

  async hasCollection(name: string, call?: CallOptions): Promise<boolean> {
    checkCollectionName(name)
    return (await this.collections(call)).includes(this.#aliases.resolve(name))
  }

  async deleteCollection(name: string, call?: CallOptions): Promise<boolean> {
    this.#checkWritable()
    checkCollectionName(name)
    return await withCall(call, () =>
      this.#mutex.run(async () => {
        const engine = this.#engines.get(name) ?? this.#removing.get(name)
        const damaged = engine ? undefined : this.#damagedAs(name)
        if (damaged) throw cannotBeServed(name, damaged.error)
        if (engine) this.#removing.set(name, engine)
        this.#take(name)
        return await this.#finishRemoving(name)
      }),
    )
  }

  async recoverCollection<P = Payload>(
    name: string,
    source: SnapshotSource,
    asked?: RecoverOptions,
  ): Promise<Collection<P>> {
    this.#checkWritable()
    const options = givenIfAny(RecoverOptions, asked)
    checkCollectionName(name)
    const store = snapshotStoreOf(this.#host)
    const engine = await untilDone(options, () =>
      this.#untilDone(() =>
        store.take(source, options, 'collection', ({ collections: [staged] }) =>
          this.#mutex.run(() => {
            const target = this.#aliases.resolve(name)
            this.#checkReplaced([target], options)
            return this.#replace(target, staged as StagedCollection, store)
          }),
        ),
      ),
    )
    return this.#handle<P>(engine)
  }

  async recover(source: SnapshotSource, asked?: RecoverOptions): Promise<string[]> {
    this.#checkWritable()
    const options = givenIfAny(RecoverOptions, asked)
    const store = snapshotStoreOf(this.#host)
    return await untilDone(options, () =>
      this.#untilDone(() =>
        store.take(source, options, 'any', ({ collections, index }) =>
          this.#mutex.run(async () => {
            const names = collections.map(({ name }) => name)
            const taken = names.find((name) => this.#aliases.has(name))
            if (taken !== undefined) throw takenByAlias(taken)
            this.#checkReplaced(names, options)
            for (const staged of collections) await this.#replace(staged.name, staged, store)
            const aliases = index.aliases.filter(([, collection]) => names.includes(collection))
            const actions = aliases.map(([aliasName, collectionName]) => ({
              createAlias: { aliasName, collectionName },
            }))
            if (actions.length > 0) await this.#aliases.change(actions, this.#isCollection)
            return names
          }),
        ),
      ),
    )
  }

  #checkReplaced(names: readonly string[], { replace }: RecoverOptions): void {
    const present = names.find((name) => this.#isCollection(name))
    if (replace === false && present !== undefined) throw alreadyThere(present)
  }

  /** Replaces a collection. The new one has the name from the moment it is on stable storage. */
  async #replace(name: string, staged: StagedCollection, store: SnapshotStore): Promise<CollectionEngine> {
    const older = this.#engines.get(name)
    const damaged = this.#damaged.findIndex((entry) => entry.name === name)
    const replaces = older?.uuid ?? this.#damaged[damaged]?.uuid ?? null
    const left = this.#damaged[damaged]?.error
    if (left?.details.stays) throw cannotBeServed(name, left)
    if (replaces === null) this.#checkCount()
    await this.#finishRemoving(name)
    const engine = await this.#made(name, older, () => store.adopt(staged, name, replaces))
    if (damaged >= 0) this.#damaged.splice(damaged, 1)
    if (left) this.#onIssue(ofOpening(name, left, true))
    await older?.close({ discard: true }).catch(() => undefined)
    // Files that cannot be removed now are removed at the next open.
    if (replaces !== null) await this.#store.remove({ uuid: replaces }).catch(() => undefined)
    return engine
  }

  /**
   * Runs `make`. A new collection that can neither be opened nor removed replaces the older one at the next open. Until
   * then the older one takes no writes. Without an older one, it must be removed before another is created.
   */
  async #made(name: string, older: CollectionEngine | undefined, make: () => Promise<CollectionEngine>) {
    try {
      return this.#put(await make())
    } catch (error) {
      if (!(error instanceof VicinalError) || typeof error.details.stays !== 'string') throw error
      if (older) {
        this.#take(name)
        this.#addDamaged({ name, uuid: older.uuid, error })
        await older.close().catch(() => undefined)
      } else {
        this.#removing.set(name, { uuid: error.details.stays, close: async () => undefined })
      }
      throw error
    }
  }

  async #untilDone<T>(work: () => Promise<T>): Promise<T> {
    const started = work()
    this.#underway.add(started)
    try {
      return await started
    } finally {
      this.#underway.delete(started)
    }
  }

  async #finishRemoving(name: string): Promise<boolean> {
    const engine = this.#removing.get(name)
    if (!engine) return false
    // The collection is discarded, so a failure of its close loses nothing.
    await engine.close({ discard: true }).catch(() => undefined)
    await this.#store.remove(engine)
    // Removed after the collection: a crash in between leaves aliases that lead nowhere, and the next open drops them.
    await this.#aliases.drop(name)
    this.#removing.delete(name)
    return true
  }

  async close(): Promise<void> {
    this.#closed ??= Promise.allSettled([...this.#underway]).then(() => this.#mutex.run(() => this.#close()))
    await this.#closed
  }

  async #close(): Promise<void> {
    await this.#store.stop()
    const closing = await Promise.allSettled([...this.#engines.values()].map((engine) => engine.close()))
    await this.#store.close()
    this.#onClosed()
    for (const outcome of closing) if (outcome.status === 'rejected') throw outcome.reason
  }

  #checkCount(): void {
    if (this.#engines.size < LIMITS.collections) return
    throw invalid('collections', `expected at most ${LIMITS.collections}`, this.#engines.size + 1)
  }

  #checkOpen(): void {
    if (this.#closed) throw new VicinalError('CLOSED', 'the database is closed')
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (this.#store.readOnly) throw new VicinalError('READ_ONLY', 'the database was opened read-only')
  }
}

/** Whether the collection may have any name: its undamaged manifest could not be read now. */
function mayHaveAnyName({ name, error }: DamagedCollection): boolean {
  return name === null && error.code !== 'CORRUPT' && error.details.errno !== 'ENOENT'
}
