import type { AliasAction, AliasDescription } from '../../core/aliases.js'
import { copied } from '../../core/copied.js'
import type { CallOptions, Collection } from '../../core/database.js'
import { invalid, noSuchLookup, readOnly, VicinalError } from '../../core/errors.js'
import { givenIfAny } from '../../core/given-options.js'
import type { CollectionIssue } from '../../core/issues.js'
import { LIMITS } from '../../core/limits.js'
import { Mutex } from '../../core/mutex.js'
import { checkCollectionName } from '../../core/names.js'
import type { Payload } from '../../core/point.js'
import { QuotaConfig, type QuotaStatus } from '../../core/quotas.js'
import type { ClosedCollection, CollectionInfo, CollectionOptions } from '../../core/schema.js'
import { RecoverOptions, type SnapshotSource, type Snapshots } from '../../core/snapshots.js'
import type { CallTracing } from '../../core/tracing.js'
import type { Untyped } from '../../core/untyped.js'
import { read } from '../../core/vocabulary/reader.js'
import { AliasBook } from '../catalogue/alias-book.js'
import { alreadyThere, cannotBeServed, takenByAlias } from '../catalogue/catalog-errors.js'
import { newManifest } from '../catalogue/manifest-file.js'
import { untilDone, withCall } from '../collection/call-scope.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import { handleOn } from '../collection/collection-handle.js'
import type { CollectionSlot, SlotHost } from '../collection/collection-slot.js'
import { EmbeddedCollection } from '../collection/embedded-collection.js'
import { ofOpening } from '../collection/issues.js'
import { quarantineIn } from '../collection/quarantine.js'
import { resolveConfig } from '../config/schema.js'
import { ConcurrentSearches } from '../limits/concurrent-searches.js'
import { QuotaGuard } from '../limits/quota-guard.js'
import { mapsOfSegment } from '../memory/map-room.js'
import { openCollections } from '../memory/open-collections.js'
import { EmbeddedSnapshots, type SnapshotHost, snapshotStoreOf } from '../snapshots/embedded-snapshots.js'
import type { SnapshotStore } from '../snapshots/snapshot-store.js'
import { adoptedAs, type StagedCollection } from '../snapshots/staged-collection.js'
import type { CollectionStore } from '../stores/collection-store.js'
import { CollectionSlots } from './collection-slots.js'
import { EnsuringDatabase } from './ensuring-database.js'
import { type SharedCollection, type SharingDatabase, sharedOf } from './sharing.js'
import { Watermarks } from './watermarks.js'

export interface DatabaseOptions {
  concurrentSearches?: number
  collectionIdleMs?: number
  onClosed?: () => void
  onIssue?: (issue: CollectionIssue) => void
  tracing?: CallTracing | null
}

/** The database of this process: its collections by name. Creating and removing collections takes turns. */
export class EmbeddedDatabase extends EnsuringDatabase implements SharingDatabase {
  readonly #store: CollectionStore
  readonly #slots: CollectionSlots
  readonly #handles = new WeakMap<CollectionSlot, Untyped<Collection>>()
  readonly nameless: Error[] = []
  /** Collections whose files could not be removed yet. Deleting or creating one of the name retries it. */
  readonly #removing = new Map<string, Pick<CollectionSlot, 'uuid' | 'end'>>()
  readonly #aliases: AliasBook
  readonly #admission: ConcurrentSearches
  readonly #told: Required<Pick<DatabaseOptions, 'onClosed' | 'onIssue' | 'tracing'>>
  readonly #quotas: QuotaGuard
  /** Running work that a close waits for, besides the turns. */
  readonly #underway = new Set<Promise<unknown>>()
  readonly #host: SnapshotHost
  readonly snapshots: Snapshots
  readonly #mutex = new Mutex()
  readonly watermarks: Watermarks
  #closed: Promise<void> | null = null
  private constructor(store: CollectionStore, options: DatabaseOptions) {
    super()
    const { concurrentSearches } = options
    this.#store = store
    this.#aliases = new AliasBook((aliases) => store.saveAliases(aliases))
    this.#admission = new ConcurrentSearches(concurrentSearches ?? LIMITS.concurrentSearches)
    this.#told = { onClosed: () => {}, onIssue: () => {}, tracing: null, ...options }
    this.#quotas = new QuotaGuard({ nowMs: () => performance.now(), diskPercent: () => store.diskPercent() })
    this.#slots = new CollectionSlots(this.#slotHost(options))
    this.#host = {
      snapshots: () => store.snapshots,
      checkOpen: () => this.#checkOpen(),
      checkWritable: () => this.#checkWritable(),
      collections: () => this.#slots.all(),
      find: (name) => this.#slots.get(name),
      aliases: () => this.#aliases.current,
      untilDone: (work) => this.#untilDone(work),
    }
    this.snapshots = new EmbeddedSnapshots(this.#host, null)
    this.watermarks = new Watermarks(store, (names) => this.#slots.uuidsOf(names, this.#aliases))
  }

  static async open(store: CollectionStore, options: DatabaseOptions = {}): Promise<EmbeddedDatabase> {
    const database = new EmbeddedDatabase(store, options)
    await store.list({
      add: (collection) => database.#slots.place(collection),
      remove: async ({ name, uuid }) => {
        const slot = database.#slots.get(name)
        if (slot?.uuid !== uuid) return
        database.#slots.take(name)
        await slot.end()
      },
      addNameless: (error) => {
        database.nameless.push(error)
        database.#addUnread(error)
      },
      setAliases: (aliases) => database.#aliases.set(aliases),
      addDamagedAliases: (error) => {
        database.#aliases.setTrouble(error)
        database.#addUnread(error)
      },
      replaced: async (present) => {
        database.#removing.clear()
        await database.#slots.reset(present)
        await database.#quotas.load(store.loadQuotas())
      },
    })
    await database.#quotas.load(store.loadQuotas())
    return database
  }

  #slotHost({ collectionIdleMs }: DatabaseOptions): SlotHost {
    return {
      reopens: this.#store.reopens,
      idleMs: collectionIdleMs ?? LIMITS.collectionIdleMs,
      open: async (slot) => {
        await openCollections.makeRoomForOne()
        return await this.#store.open(slot)
      },
      methodsOf: (engine) =>
        new EmbeddedCollection(engine, {
          admission: this.#admission,
          quotas: this.#quotas,
          quarantine: (name) => quarantineIn(this, name),
          catalog: (name) => this.#slotOf(name, noSuchLookup),
        }),
      onOpened: ({ name }, engine) => engine.watchIssues((issue) => this.#told.onIssue({ collection: name, ...issue })),
      onFailure: ({ name }, error, isOver) => this.#told.onIssue(ofOpening(name, error, isOver)),
    }
  }

  async createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    this.#checkWritable()
    checkCollectionName(name)
    const config = resolveConfig(options, name)
    const slot = await withCall(call, () =>
      this.#mutex.run(async () => {
        if (this.#isCollection(name)) throw alreadyThere(name)
        if (this.#aliases.has(name)) throw takenByAlias(name)
        this.#checkCount()
        this.#slots.checkFree(name)
        await this.#finishRemoving(name)
        await this.#quotas.maps.admit('another collection', mapsOfSegment(config))
        const manifest = newManifest(name, config)
        return await this.#made(manifest, undefined, () => this.#store.create(manifest))
      }),
    )
    if (config.ingestion?.quarantine !== undefined) await quarantineIn(this, config.ingestion.quarantine)
    return this.#handle<P>(slot)
  }

  async collection<P = Payload>(name: string): Promise<Collection<P>> {
    this.#checkOpen()
    checkCollectionName(name)
    return this.#handle<P>(this.#slotOf(name))
  }

  async peek(name: string): Promise<CollectionInfo | ClosedCollection> {
    this.#checkOpen()
    return await this.#slotOf(name).peek()
  }

  share(name: string): SharedCollection | 'cold' | null {
    const slot = this.#slots.get(this.#aliases.resolve(name))
    if (!slot) return null
    const { engine } = slot
    if (!engine) return 'cold'
    // A collection with strict mode is not shared, because its bounds are counted in one place.
    return engine.strictMode ? null : sharedOf(engine.view, slot.shareCells())
  }

  #addUnread(error: VicinalError): void {
    this.#slots.addUnread(error)
    this.#told.onIssue(ofOpening(null, error, false))
  }

  /** Finds a collection by its name or an alias. */
  #slotOf(name: string, missing?: (asked: string) => VicinalError): CollectionSlot {
    return this.#slots.find(this.#aliases.resolve(name), name, missing)
  }

  /** One handle for all callers, since a service asks for it at each request. */
  #handle<P>(slot: CollectionSlot): Collection<P> {
    let handle = this.#handles.get(slot)
    if (!handle) {
      handle = handleOn(slot, {
        reach: (after, call, others) => this.watermarks.reach(after, call, [slot.name, ...others]),
        aliases: () => this.#aliases.of(slot.name),
        snapshots: new EmbeddedSnapshots(this.#host, slot),
        tracing: this.#told.tracing,
      })
      this.#handles.set(slot, handle)
    }
    return handle as Collection<P>
  }

  async updateAliases(actions: readonly AliasAction[], call?: CallOptions): Promise<void> {
    this.#checkWritable()
    const changes = copied(actions)
    await withCall(call, () => this.#mutex.run(() => this.#aliases.change(changes, this.#isCollection)))
  }

  readonly #isCollection = (name: string): boolean => this.#slots.get(name) !== undefined

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
    return await this.watermarks.within(call, async () => this.#aliases.list())
  }

  async collections(call?: CallOptions): Promise<string[]> {
    this.#checkOpen()
    return await this.watermarks.within(call, async () => this.#slots.all().map(({ name }) => name))
  }

  async hasCollection(name: string, call?: CallOptions): Promise<boolean> {
    checkCollectionName(name)
    this.#checkOpen()
    return await this.watermarks.within(call, async () => this.#isCollection(this.#aliases.resolve(name)))
  }

  async deleteCollection(name: string, call?: CallOptions): Promise<boolean> {
    this.#checkWritable()
    checkCollectionName(name)
    return await withCall(call, () =>
      this.#mutex.run(async () => {
        const slot = this.#slots.get(name)
        slot?.checkServed()
        if (slot) this.#removing.set(name, slot)
        else if (!this.#removing.has(name)) this.#slots.checkRead(name)
        this.#slots.take(name)
        return (await this.#finishRemoving(name)) || (await this.watermarks.unchanged())
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
    const slot = await untilDone(options, () =>
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
    return this.#handle<P>(slot)
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
  async #replace(name: string, staged: StagedCollection, store: SnapshotStore): Promise<CollectionSlot> {
    const older = this.#slots.get(name)
    const replaces = older?.uuid ?? null
    const left = older?.failure
    if (left?.details.stays) throw cannotBeServed(name, left)
    if (replaces === null) this.#checkCount()
    await this.#finishRemoving(name)
    const as = adoptedAs(name, replaces)
    const slot = await this.#made(as, older, () => store.adopt(staged, as))
    if (left) this.#told.onIssue(ofOpening(name, left, true))
    await older?.end({ discard: true }).catch(() => undefined)
    // Files that cannot be removed now are removed at the next open.
    if (replaces !== null) await this.#store.remove({ uuid: replaces }).catch(() => undefined)
    return slot
  }

  /**
   * Runs `make`. A new collection that can neither be opened nor removed replaces the older one at the next open. Until
   * then the older one takes no writes. Without an older one, it must be removed before another is created.
   */
  async #made(
    { name, uuid }: { name: string; uuid: string },
    older: CollectionSlot | undefined,
    make: () => Promise<CollectionEngine | null>,
  ) {
    try {
      const engine = await make()
      return this.#slots.add(engine ?? { name, uuid }, engine ?? undefined)
    } catch (error) {
      if (!(error instanceof VicinalError) || typeof error.details.stays !== 'string') throw error
      if (older) {
        await older.shut(error).catch(() => undefined)
      } else {
        this.#removing.set(name, { uuid: error.details.stays, end: async () => undefined })
      }
      throw error
    }
  }

  async #untilDone<T>(work: () => Promise<T>): Promise<T> {
    const started = work()
    this.#underway.add(started)
    return await started.finally(() => this.#underway.delete(started))
  }

  async #finishRemoving(name: string): Promise<boolean> {
    const slot = this.#removing.get(name)
    if (!slot) return false
    // The collection is discarded, so a failure of its close loses nothing.
    await slot.end({ discard: true }).catch(() => undefined)
    await this.#store.remove(slot)
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
    const closing = await Promise.allSettled(this.#slots.all().map((slot) => slot.end()))
    await this.#store.close(this.#slots.all())
    this.#told.onClosed()
    for (const outcome of closing) if (outcome.status === 'rejected') throw outcome.reason
  }

  #checkCount(): void {
    if (this.#slots.count < LIMITS.collections) return
    throw invalid('collections', `expected at most ${LIMITS.collections}`, this.#slots.count + 1)
  }

  #checkOpen(): void {
    if (this.#closed) throw new VicinalError('CLOSED', 'the database is closed')
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (this.#store.readOnly) throw readOnly()
  }
}
