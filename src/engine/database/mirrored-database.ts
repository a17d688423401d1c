import { AnsweredByAnotherThread } from '../../core/answered-by-another-thread.js'
import type { ReadableCollection, ReadableDatabase } from '../../core/database.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { Payload } from '../../core/point.js'
import { schemaOf } from '../../core/schema.js'
import type { Untyped } from '../../core/untyped.js'
import { Shard } from '../../native/shard.js'
import { CollectionReads, type ReadSource } from '../collection/collection-reads.js'
import { SHARED_CELLS } from '../collection/collection-slot.js'
import type { CollectionView } from '../collection/collection-view.js'
import { ConcurrentSearches } from '../limits/concurrent-searches.js'
import type { SharedCollection } from './sharing.js'

/** Bounds on names being asked for at a time, and on remembered names of unknown collections. */
const MOST_ASKED = 64
const MOST_STRANGE = 1_000

/** The main thread, which has the database, as a mirror sees it. */
export interface MirroredThread {
  /** `CatalogChanges.shared` of the main thread. */
  changes: Int32Array
  /** Calls `SharingDatabase.share` on the main thread. */
  share(name: string): Promise<SharedCollection | 'cold' | null>
}

/**
 * Reads the collections of the main thread's database on this thread, from the same memory: a write is visible here at
 * once. A collection is learnt when it is first asked for, and forgotten with the first change of the catalogue.
 * Unknown collections, and those with strict mode, throw AnsweredByAnotherThread.
 */
export class MirroredDatabase implements ReadableDatabase {
  readonly #thread: MirroredThread
  readonly #admission: ConcurrentSearches
  /** Keyed by the requested name. */
  readonly #known = new Map<string, Mirrored>()
  /** Names that cannot be read here or do not exist. The set is bounded, because callers may ask for any name. */
  readonly #strange = new Set<string>()
  readonly #asked = new Set<string>()
  /** The count of changes at which the known collections were learnt. */
  #changes: number

  constructor(thread: MirroredThread, concurrentSearches: number) {
    this.#thread = thread
    this.#admission = new ConcurrentSearches(concurrentSearches)
    this.#changes = this.#changesNow()
  }

  /** Whether `collection` would resolve now. For a name that is not known yet it starts learning it. */
  has(name: string): boolean {
    this.refresh()
    const known = this.#known.get(name)
    if (known?.isOpen) return true
    if (known) this.#forget(name, known)
    if (!this.#strange.has(name)) void this.#learn(name)
    return false
  }

  async collection<P = Payload>(name: string): Promise<ReadableCollection<P>> {
    return this.#mirrored(name).reads as Untyped<ReadableCollection> as ReadableCollection<P>
  }

  /** Forgets all collections if the catalogue has changed. Call it when it may have changed. */
  refresh(): void {
    const now = this.#changesNow()
    if (now === this.#changes) return
    this.#changes = now
    this.close()
  }

  /** Lets go of the memory of collections that the main thread has closed. */
  forgetClosed(): void {
    this.refresh()
    for (const [name, mirrored] of this.#known) if (!mirrored.isOpen) this.#forget(name, mirrored)
  }

  #forget(name: string, mirrored: Mirrored): void {
    this.#known.delete(name)
    mirrored.close()
  }

  close(): void {
    for (const mirrored of this.#known.values()) mirrored.close()
    this.#known.clear()
    this.#strange.clear()
  }

  #changesNow(): number {
    return Atomics.load(this.#thread.changes, 0)
  }

  #mirrored(name: string): Mirrored {
    if (!this.has(name)) throw new AnsweredByAnotherThread()
    return this.#known.get(name) as Mirrored
  }

  async #learn(name: string): Promise<void> {
    if (this.#asked.has(name) || this.#asked.size >= MOST_ASKED) return
    this.#asked.add(name)
    const asOf = this.#changes
    const shared = await this.#thread.share(name).finally(() => this.#asked.delete(name))
    this.refresh()
    // The catalogue has changed since, so the name must be asked for again.
    if (asOf !== this.#changes) return
    // A closed collection is asked for again: the request that is forwarded now opens it.
    if (shared === 'cold') return
    if (shared) this.#open(name, shared, asOf)
    else if (this.#strange.size < MOST_STRANGE) this.#strange.add(name)
  }

  #open(name: string, shared: SharedCollection, asOf: number): void {
    try {
      const isCurrent = () => asOf === this.#changesNow()
      const mirrored = new Mirrored(shared, isCurrent, (reads) => ({
        admission: this.#admission,
        catalog: (name) => (name === shared.name ? reads : this.#mirrored(name)),
      }))
      this.#known.set(name, mirrored)
    } catch {
      // The collection was closed meanwhile, and is asked for again.
    }
  }
}

/** One collection of the main thread. */
class Mirrored implements ReadSource {
  readonly view: CollectionView
  readonly strictMode = null
  readonly reads: CollectionReads
  readonly #isCurrent: () => boolean
  readonly #cells: Int32Array

  constructor(
    { name, config, vectors, shard, cells }: SharedCollection,
    isCurrent: () => boolean,
    hostOf: (self: Mirrored) => ConstructorParameters<typeof CollectionReads>[1],
  ) {
    this.view = { name, config, vectors, schema: schemaOf(config), shard: Shard.shared(shard) }
    this.#isCurrent = isCurrent
    this.#cells = cells
    this.reads = new CollectionReads(this, hostOf(this))
  }

  get name(): string {
    return this.view.name
  }

  get schema(): CollectionView['schema'] {
    return this.view.schema
  }

  get isOpen(): boolean {
    return Atomics.load(this.#cells, SHARED_CELLS.isClosed) === 0
  }

  checkOpen(): void {
    if (!this.isOpen || !this.#isCurrent()) throw new AnsweredByAnotherThread()
  }

  /**
   * Throws AnsweredByAnotherThread if the collection has changed meanwhile: other rows may have replaced these, so the
   * main thread must answer.
   */
  read<T>(work: (view: CollectionView) => MaybePromise<T>): MaybePromise<T> {
    this.#cells[SHARED_CELLS.wasUsed] = 1
    // While the call waited for its turn the collection may have been closed, and this thread's part of it with it.
    this.checkOpen()
    const answer = work(this.view)
    const ifCurrent = (give: () => MaybePromise<T>): MaybePromise<T> => {
      this.checkOpen()
      return give()
    }
    // It may have been closed, and opened and written again, since the look before.
    if (!(answer instanceof Promise)) return ifCurrent(() => answer)
    return answer.then(
      (found) => ifCurrent(() => found),
      (error: unknown) => ifCurrent(() => Promise.reject(error)),
    )
  }

  close(): void {
    void this.view.shard.close().catch(() => undefined)
  }
}
