import type { Awaitable } from '../../core/awaitable.js'
import type { ReadableCollection, ReadableDatabase } from '../../core/database.js'
import { Elsewhere } from '../../core/elsewhere.js'
import type { Payload } from '../../core/point.js'
import { schemaOf } from '../../core/schema.js'
import { Shard } from '../../native/shard.js'
import { CollectionReads, type ReadSource } from '../collection/collection-reads.js'
import type { CollectionView } from '../collection/collection-view.js'
import { Admission } from '../limits/admission.js'
import type { SharedCollection } from './sharing.js'

/** Names that are asked for at a time, and that are remembered as strange. */
const MOST_ASKED = 64
const MOST_STRANGE = 1_000

/** What a mirror knows of the thread that the database is open in. */
export interface MirroredThread {
  /** `CatalogChanges.shared` of that thread. */
  changes: Int32Array
  /** What `SharingDatabase.share` says there. */
  share(name: string): Promise<SharedCollection | null>
}

/**
 * Reads the collections of another thread's database, on this thread and from the same memory: what was written there is
 * read here at once. What there is to read is learnt as it is asked for, and forgotten with the first change of the
 * catalogue; what it does not know, and what its owner bounds, is Elsewhere.
 */
export class MirroredDatabase implements ReadableDatabase {
  readonly #thread: MirroredThread
  readonly #admission: Admission
  /** By the name asked for. */
  readonly #known = new Map<string, Mirrored>()
  /** Not to be read here, or not there: anybody may ask for names. */
  readonly #strange = new Set<string>()
  readonly #asked = new Set<string>()
  /** The number of changes that what is known is as of. */
  #changes: number

  constructor(thread: MirroredThread, concurrentSearches: number) {
    this.#thread = thread
    this.#admission = new Admission(concurrentSearches)
    this.#changes = this.#changesNow()
  }

  /** Whether `collection` would resolve now. Where nothing is known of the name, it may soon. */
  has(name: string): boolean {
    this.refresh()
    if (this.#known.has(name)) return true
    if (!this.#strange.has(name)) void this.#learn(name)
    return false
  }

  async collection<P = Payload>(name: string): Promise<ReadableCollection<P>> {
    return this.#mirrored(name).reads as unknown as ReadableCollection<P>
  }

  /** Forgets what has changed; to be called when that may be so. */
  refresh(): void {
    const now = this.#changesNow()
    if (now === this.#changes) return
    this.#changes = now
    this.close()
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
    if (!this.has(name)) throw new Elsewhere()
    return this.#known.get(name) as Mirrored
  }

  async #learn(name: string): Promise<void> {
    if (this.#asked.has(name) || this.#asked.size >= MOST_ASKED) return
    this.#asked.add(name)
    const asOf = this.#changes
    const shared = await this.#thread.share(name).finally(() => this.#asked.delete(name))
    this.refresh()
    // What has changed since is to be asked for again.
    if (asOf !== this.#changes) return
    const mirrored = shared && this.#opened(shared, asOf)
    if (mirrored) this.#known.set(name, mirrored)
    else if (this.#strange.size < MOST_STRANGE) this.#strange.add(name)
  }

  #opened(shared: SharedCollection, asOf: number): Mirrored | null {
    try {
      const isCurrent = () => asOf === this.#changesNow()
      return new Mirrored(shared, isCurrent, (reads) => ({
        admission: this.#admission,
        catalog: (name) => (name === shared.name ? reads : this.#mirrored(name)),
      }))
    } catch {
      // Closed meanwhile: the change that closed it is about to show.
      return null
    }
  }
}

/** One collection of the other thread's. */
class Mirrored implements ReadSource {
  readonly view: CollectionView
  readonly strictMode = null
  readonly reads: CollectionReads
  readonly #isCurrent: () => boolean

  constructor(
    { name, config, vectors, shard }: SharedCollection,
    isCurrent: () => boolean,
    hostOf: (self: Mirrored) => ConstructorParameters<typeof CollectionReads>[1],
  ) {
    this.view = { name, config, vectors, schema: schemaOf(config), shard: Shard.shared(shard) }
    this.#isCurrent = isCurrent
    this.reads = new CollectionReads(this, hostOf(this))
  }

  get name(): string {
    return this.view.name
  }

  get schema(): CollectionView['schema'] {
    return this.view.schema
  }

  checkOpen(): void {
    if (!this.#isCurrent()) throw new Elsewhere()
  }

  /** Answers of what is no longer current are for the other thread to give anew: other rows may have taken the place of these. */
  read<T>(work: (view: CollectionView) => Awaitable<T>): Awaitable<T> {
    const answer = work(this.view)
    if (!(answer instanceof Promise)) return answer
    const ifCurrent = (give: () => Awaitable<T>): Awaitable<T> => {
      this.checkOpen()
      return give()
    }
    return answer.then(
      (found) => ifCurrent(() => found),
      (error: unknown) => ifCurrent(() => Promise.reject(error)),
    )
  }

  close(): void {
    void this.view.shard.close().catch(() => undefined)
  }
}
