import type { StoreAddress } from '../../bucket/address.js'
import type { GroupOwner } from '../../bucket/owner.js'
import type { PushedBatch } from '../../bucket/pushed-frame.js'
import type { Position } from '../../bucket/watermark.js'
import { VicinalError } from '../../core/errors.js'
import { Mutex } from '../../core/mutex.js'
import type { QuotaConfig } from '../../core/quotas.js'
import type { Aliases } from '../../storage/folder-files.js'
import type { Manifest } from '../../storage/manifest.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import type { StoredCollection } from '../collection/collection-home.js'
import type { SnapshotStore } from '../snapshots/snapshot-store.js'
import { CacheFolder } from './cache-folder.js'
import type { CollectionRegistry, CollectionStore } from './collection-store.js'
import { OwnerStore, type StoreOptions } from './owner-store.js'
import { StoreSource } from './read-source.js'
import { ReaderStore } from './reader-store.js'
import type { StoreProgress } from './watermark-waits.js'

export interface NodeStoreParts {
  address: StoreAddress
  cacheFolder: string
  /** The node, as other nodes find it in the store's database. */
  owner: Omit<GroupOwner, 'epoch'>
  options: Pick<StoreOptions, 'minAgeMs' | 'memoryBytes' | 'commitWindowMs' | 'snapshots'>
  /** Default LIMITS.cacheBytes. */
  cacheBytes?: number | undefined
  /** This node has opened the database, with this number. Its collections move once this resolves. */
  onOwned(epoch: number): Promise<void>
  /** After each batch of this node that is durable and counts. */
  onBatch(batch: PushedBatch): void
  /** This node owned the store and does not any more: call `read`. */
  onLost(error: VicinalError): void
}

interface Reading {
  store: ReaderStore
  source: StoreSource
}

/**
 * The store of one of several nodes: it owns the database, or reads the owner's writes. It changes its role while it is
 * served. Reads go on meanwhile; writes are refused until the change is done.
 */
export class NodeStore implements CollectionStore {
  readonly reopens = true
  readonly #parts: NodeStoreParts
  #cache: CacheFolder | null = null
  #owning: OwnerStore | null = null
  #reading: Reading | null = null
  #isChanging = false
  #isLost = false
  #isStopped = false
  #registry: CollectionRegistry | null = null
  readonly #changes = new Mutex()

  constructor(parts: NodeStoreParts) {
    this.#parts = parts
  }

  /** Opens it as a reader. Rejects with INVALID_ARGUMENT where no node has written the store yet. */
  async startReading(): Promise<void> {
    this.#reading = await this.#openReading()
  }

  /** Opens it as its owner. */
  async startOwning(): Promise<void> {
    this.#owning = await this.#openOwning()
    await this.#parts.onOwned(this.#owning.epoch)
  }

  get isOpen(): boolean {
    return (this.#owning ?? this.#reading) !== null
  }

  get #current(): OwnerStore | ReaderStore {
    const current = this.#owning ?? this.#reading?.store
    if (current) return current
    throw new VicinalError('CLOSED', 'the store is not open')
  }

  /** The number of the opening with which this node owns the store and takes writes; null if it does not. */
  get epoch(): number | null {
    return this.#isChanging ? null : this.ownedEpoch
  }

  /** The same, also while its collections still move. */
  get ownedEpoch(): number | null {
    return this.#isLost ? null : (this.#owning?.epoch ?? null)
  }

  /** The last batch of this node that is durable and counts; null if it does not own the store. */
  get ownedPosition(): Position | null {
    return this.#isLost ? null : (this.#owning?.position ?? null)
  }

  get readOnly(): boolean {
    return this.#owning === null || this.#isChanging || this.#isLost
  }

  get snapshots(): SnapshotStore {
    return this.#current.snapshots
  }

  /** Why a collection cannot follow the owner; null if all can. */
  get exhausted(): string | null {
    return this.#reading?.store.exhausted ?? null
  }

  get notice(): string | null {
    return this.#current.notice
  }

  get progress(): StoreProgress {
    return this.#current.progress
  }

  /** The node that opened the store last, as far as this one sees; null if none has, or if it is this one. */
  async owner(): Promise<GroupOwner | null> {
    return (await this.#reading?.source.owner()) ?? null
  }

  /** Takes the batches that the owner pushes; null while this node does not read. */
  get pushed(): StoreSource['pushed'] | null {
    return this.#reading?.source.pushed ?? null
  }

  /** Takes the store from its owner. Rejects, and goes on reading, if that fails. */
  async own(): Promise<void> {
    await this.#changes.run(async () => {
      if (this.#owning || this.#isStopped) return
      const next = await this.#openOwning()
      const before = this.#reading
      this.#isChanging = true
      this.#owning = next
      this.#reading = null
      await this.#parts.onOwned(next.epoch)
      await before?.store.stop()
      await before?.store.close().catch(() => undefined)
      await this.#replace()
    })
  }

  /** Rejects if another node has taken the store: `onLost` has been called then. */
  async touch(): Promise<void> {
    await this.#owning?.touch()
  }

  /** Whether this node has lost the store and does not read it yet. Present answers are of the time before. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** Goes on as a reader of the store that it has lost. Rejects, to be called again, if the store cannot be reached. */
  async read(): Promise<void> {
    await this.#changes.run(async () => {
      const before = this.#owning
      if (!before || this.#isStopped) return
      const next = await this.#openReading()
      this.#reading = next
      this.#isChanging = true
      this.#owning = null
      this.#isLost = false
      await before.close().catch(() => undefined)
      await this.#replace()
    })
  }

  /** Ends a change of the role whose collections could not be listed. */
  async settle(): Promise<void> {
    if (this.#isChanging) await this.#changes.run(() => this.#replace())
  }

  /** The collections are those of the present role from now on. If that fails, the role is still changing. */
  async #replace(): Promise<void> {
    if (this.#registry) await this.#listAll(this.#registry)
    this.#isChanging = false
  }

  async #listAll(registry: CollectionRegistry): Promise<void> {
    const present = new Set<string>()
    const noting: CollectionRegistry = {
      ...registry,
      add(collection) {
        present.add(collection.uuid)
        registry.add(collection)
      },
    }
    await this.#current.list(noting)
    await registry.replaced?.(present)
  }

  async #holdCache(): Promise<CacheFolder> {
    this.#cache ??= await CacheFolder.open(this.#parts.cacheFolder, this.#parts.cacheBytes)
    return this.#cache.hold()
  }

  async #openReading(): Promise<Reading> {
    const source = await StoreSource.open(this.#parts.address, await this.#holdCache(), this.#parts.options)
    return { store: new ReaderStore(source), source }
  }

  async #openOwning(): Promise<OwnerStore> {
    const { address, owner, options } = this.#parts
    const onEnd = (error: VicinalError) => {
      if (this.#isStopped) return
      this.#isLost = true
      this.#parts.onLost(error)
    }
    return await OwnerStore.open(address, await this.#holdCache(), {
      ...options,
      owner,
      onEnd,
      onBatch: this.#parts.onBatch,
    })
  }

  async list(registry: CollectionRegistry): Promise<void> {
    await this.#changes.run(async () => {
      this.#registry = registry
      await this.#current.list(registry)
    })
  }

  async open(collection: StoredCollection): Promise<CollectionEngine> {
    return await this.#current.open(collection)
  }

  async create(manifest: Manifest): Promise<CollectionEngine | null> {
    return await this.#current.create(manifest)
  }

  async saveAliases(aliases: Aliases): Promise<void> {
    await this.#current.saveAliases(aliases)
  }

  async loadQuotas(): Promise<unknown> {
    return await this.#current.loadQuotas()
  }

  async saveQuotas(config: QuotaConfig): Promise<void> {
    await this.#current.saveQuotas(config)
  }

  async diskPercent(): Promise<number> {
    return (await this.#current.diskPercent()) as number
  }

  async remove(collection: { uuid: string }): Promise<void> {
    await this.#current.remove(collection)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#changes.idle()
    await (this.#owning ?? this.#reading?.store)?.stop()
  }

  async close(): Promise<void> {
    await (this.#owning ?? this.#reading?.store)?.close()
    await this.#cache?.release()
  }
}
