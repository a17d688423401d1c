import { hasReached, type Position } from '../../bucket/watermark.js'
import { Mutex } from '../../core/mutex.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import type { FollowedCollection } from '../collection/followed-collection.js'
import type { ReadSource } from './read-source.js'

/** Collections of a reader that follow at a time, without a caller that waits. */
const FOLLOW_AT_ONCE = 4
/** A collection that cannot follow is tried again after this time, then after twice as much, and so on. */
const RETRY_FIRST_MS = 200
const RETRY_MOST_MS = 2_000

type Source = Pick<ReadSource, 'position' | 'touches'>

/** One open collection of a reader. It follows alone: its failure holds up no other collection. */
class Following {
  readonly #source: Source
  readonly #collection: FollowedCollection
  readonly engine: CollectionEngine
  readonly #mutex = new Mutex()
  /** The last batch that it has; null without batches. */
  #applied: Position | null
  #retryMs = RETRY_FIRST_MS
  #retryAtMs = 0

  constructor(source: Source, collection: FollowedCollection, engine: CollectionEngine, applied: Position | null) {
    this.#source = source
    this.#collection = collection
    this.engine = engine
    this.#applied = applied
  }

  get applied(): Position | null {
    return this.#applied
  }

  /** Why the last attempt to follow failed. */
  get trouble(): string | null {
    return this.#collection.trouble
  }

  get exhausted(): string | null {
    const error = this.engine.isClosed ? null : this.#collection.exhausted
    return error && `collection ${JSON.stringify(this.engine.name)}: ${error.message}`
  }

  /** Whether it may be tried without a caller that waits. One that follows right now may have begun before the last batch. */
  get isDue(): boolean {
    return this.#mutex.pending <= 1 && performance.now() >= this.#retryAtMs
  }

  /** Whether nothing that came since concerns it. */
  passes(position: Position | null): boolean {
    if (!position || !this.#applied || this.#mutex.pending > 0) return false
    if (hasReached(this.#applied, position)) return true
    if (this.#source.touches(this.engine.uuid, this.#applied)) return false
    this.#applied = position
    return true
  }

  /** Applies the writer's new records. Resolves to true if the collection is up to date then. */
  async follow(): Promise<boolean> {
    return await this.#mutex.run(() => this.#follow())
  }

  async idle(): Promise<void> {
    await this.#mutex.idle()
  }

  async #follow(): Promise<boolean> {
    if (this.engine.isClosed) return true
    // Read before the records, so that it is not ahead of them.
    const position = await this.#source.position()
    if (position && this.#applied && hasReached(this.#applied, position)) return true
    const isLevel = await this.#collection.follow(this.engine)
    if (isLevel) this.#applied = position
    if (this.trouble === null) this.#retryMs = RETRY_FIRST_MS
    else {
      this.#retryAtMs = performance.now() + this.#retryMs
      this.#retryMs = Math.min(RETRY_MOST_MS, 2 * this.#retryMs)
    }
    return isLevel
  }
}

/** The open collections of a reader, by uuid. */
export class FollowedCollections {
  readonly #source: Source
  readonly #open = new Map<string, Following>()
  readonly #opening = new Map<string, Promise<unknown>>()
  #active = 0
  readonly #due = new Set<Following>()
  #isStopped = false

  constructor(source: Source) {
    this.#source = source
  }

  /** Opens a collection, and follows it from then on. */
  async open(uuid: string, open: () => Promise<[FollowedCollection, CollectionEngine]>): Promise<CollectionEngine> {
    const opening = this.#opened(uuid, open)
    const settled = opening.catch(() => undefined).finally(() => this.#opening.delete(uuid))
    this.#opening.set(uuid, settled)
    return await opening
  }

  async #opened(uuid: string, open: () => Promise<[FollowedCollection, CollectionEngine]>): Promise<CollectionEngine> {
    const applied = await this.#source.position()
    const [collection, engine] = await open()
    this.#open.set(uuid, new Following(this.#source, collection, engine, applied))
    return engine
  }

  /** Has each collection look for records that a batch up to this one may have changed. */
  followAll(position: Position | null): void {
    for (const [uuid, following] of this.#open) {
      if (following.engine.isClosed) this.#open.delete(uuid)
      else if (following.isDue && !following.passes(position)) this.#due.add(following)
    }
    this.#next()
  }

  #next(): void {
    while (this.#active < FOLLOW_AT_ONCE && !this.#isStopped) {
      const [following] = this.#due
      if (!following) return
      this.#due.delete(following)
      this.#active++
      const done = () => {
        this.#active--
        this.#next()
      }
      // A failure is tried again at the next poll.
      following.follow().then(done, done)
    }
  }

  /** Null once the collection has all that is there, also if it is not open. */
  async catchUp(uuid: string): Promise<string | null> {
    await this.#opening.get(uuid)
    const following = this.#open.get(uuid)
    if (!following || (await following.follow())) return null
    return `collection ${JSON.stringify(following.engine.name)}: ${following.trouble ?? 'it has more to read'}`
  }

  /** The last batch that all have, those left out that cannot follow: they say so themselves. */
  applied(position: Position): Position {
    let least = position
    for (const { applied, trouble, engine } of this.#open.values())
      if (applied && trouble === null && !engine.isClosed && !hasReached(applied, least)) least = applied
    return least
  }

  /** The first that cannot follow because of the memory limit, and why; null if there is none. */
  get exhausted(): string | null {
    for (const { exhausted } of this.#open.values()) if (exhausted !== null) return exhausted
    return null
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#due.clear()
    await Promise.all([...this.#open.values()].map((following) => following.idle()))
  }
}
