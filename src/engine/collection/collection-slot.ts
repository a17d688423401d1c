import type { CallOptions } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { ClosedCollection, CollectionCounts, CollectionInfo, SchemaVector } from '../../core/schema.js'
import type { LookedUp, Source } from '../../query/source.js'
import { catalogChanges } from '../catalogue/catalog-changes.js'
import { cannotBeServed } from '../catalogue/catalog-errors.js'
import { type Closable, openCollections } from '../memory/open-collections.js'
import { untilDone, withDeadline } from './call-scope.js'
import { ColdLookup } from './cold-lookup.js'
import type { CollectionEngine } from './collection-engine.js'
import type { StoredCollection } from './collection-home.js'
import type { EmbeddedCollection } from './embedded-collection.js'
import type { Rates } from './owners-bounds.js'

const LASTING = new Set(['CORRUPT', 'UNSUPPORTED_FORMAT'])
const US_PER_MS = 1_000

/** Cells of the memory that other threads which read a collection share with its slot. */
export const SHARED_CELLS = { isClosed: 0, wasUsed: 1 } as const

/** An open collection: its engine, and the methods on it. */
export interface OpenedCollection {
  readonly engine: CollectionEngine
  readonly methods: EmbeddedCollection
}

/** The database that the collections of slots belong to. */
export interface SlotHost {
  /** Whether a closed collection can be opened again: not in memory. */
  readonly reopens: boolean
  /** Collections are closed when they were not used for this time. */
  readonly idleMs: number
  open(slot: CollectionSlot): Promise<CollectionEngine>
  methodsOf(engine: CollectionEngine): EmbeddedCollection
  onOpened(slot: CollectionSlot, engine: CollectionEngine): void
  /** A collection could not be opened; with `isOver` it could at last. */
  onFailure(slot: CollectionSlot, error: VicinalError, isOver: boolean): void
}

/**
 * A collection of the catalogue, open or not. Its first use opens it; other uses meanwhile wait for the same opening. It
 * stays open while it is used, and for some time after.
 */
export class CollectionSlot implements LookedUp, Closable {
  readonly name: string
  readonly uuid: string
  readonly #host: SlotHost
  #opened: OpenedCollection | null = null
  #opening: Promise<void> | null = null
  #closing: Promise<void> | null = null
  #failure: VicinalError | null = null
  #ended = false
  /** Uses begun, and ended. */
  #begun = 0
  #over = 0
  #looking = 0
  /** SHARED_CELLS of the present opening, once another thread reads it. */
  #cells: Int32Array | null = null
  #seen = 0
  #usedAtMs = 0
  /** As of the last close. */
  #counts: CollectionCounts | null
  #rates: Rates | null = null

  /** With `engine` the collection is open already. */
  constructor({ name, uuid, counts = null }: StoredCollection, host: SlotHost, engine?: CollectionEngine) {
    this.name = name
    this.uuid = uuid
    this.#counts = counts
    this.#host = host
    if (engine) this.#openedAs(engine)
  }

  /** The engine, if the collection is open. */
  get engine(): CollectionEngine | null {
    return this.#opened?.engine ?? null
  }

  /** Why the collection cannot be opened, until it is opened again or replaced; null if nothing is known against it. */
  get failure(): VicinalError | null {
    return this.#failure
  }

  /** Whether it cannot be opened until it is replaced or the database is opened again. */
  get isDamaged(): boolean {
    return this.#failure !== null && isLasting(this.#failure)
  }

  /** Throws if the collection was deleted or replaced, or is known to be damaged. */
  checkServed(): void {
    if (this.#ended) throw new VicinalError('CLOSED', `collection ${JSON.stringify(this.name)} is closed`)
    if (this.#failure && this.isDamaged) throw cannotBeServed(this.name, this.#failure)
  }

  /**
   * Runs work on the open collection, which stays open until the work has ended. Where it is not open, the wait for it
   * has the call's deadline, which `within` applies.
   */
  use<T>(
    work: (opened: OpenedCollection, openedInUs?: number) => Promise<T>,
    call?: CallOptions,
    within: typeof withDeadline = withDeadline,
  ): Promise<T> {
    const opened = this.#opened
    if (!opened) return this.#openAndRun(work, call, within)
    this.#begun++
    return work(opened).then(
      (answer) => {
        this.#over++
        return answer
      },
      (error: unknown) => {
        this.#over++
        // It was closed for another to be opened in its place.
        if (isClosed(error) && this.#opened !== opened && !this.#ended) return this.use(work, call, within)
        throw error
      },
    )
  }

  async #openAndRun<T>(
    work: (opened: OpenedCollection, openedInUs?: number) => Promise<T>,
    call: CallOptions | undefined,
    within: typeof withDeadline,
  ): Promise<T> {
    const started = performance.now()
    this.#begun++
    try {
      await within(call, () => this.#open())
      const openedInUs = Math.round((performance.now() - started) * US_PER_MS)
      return await this.use((opened) => work(opened, openedInUs), call, within)
    } finally {
      this.#over++
    }
  }

  /** Opens the collection, unless it is open. Calls meanwhile share one opening. */
  async #open(): Promise<void> {
    this.checkServed()
    if (this.#opened) return
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = null
    })
    await this.#opening
  }

  async #openNow(): Promise<void> {
    await this.#closing
    this.checkServed()
    const engine = await this.#host.open(this).catch((cause: unknown) => {
      const error = cause instanceof VicinalError ? cause : new VicinalError('INTERNAL', String(cause), { cause })
      this.fail(error)
      throw cannotBeServed(this.name, error)
    })
    try {
      // It may have been deleted, replaced or shut meanwhile.
      this.checkServed()
    } catch (error) {
      await engine.close({ discard: true }).catch(() => undefined)
      throw error
    }
    const failure = this.#failure
    this.#failure = null
    if (failure) this.#host.onFailure(this, failure, true)
    this.#openedAs(engine)
  }

  #openedAs(engine: CollectionEngine): void {
    engine.bounds.continue(this.#rates)
    this.#opened = { engine, methods: this.#host.methodsOf(engine) }
    this.#usedAtMs = performance.now()
    if (this.#host.reopens) openCollections.add(this)
    this.#host.onOpened(this, engine)
  }

  /** Notes why the collection cannot be opened. A cause that lasts refuses every use from now on. */
  fail(error: VicinalError): void {
    const isNew = this.#failure?.code !== error.code
    this.#failure = error
    if (isNew) this.#host.onFailure(this, error, false)
  }

  // For look-ups by a query of another collection

  get schema(): readonly SchemaVector[] {
    if (this.#opened) return this.#opened.engine.schema
    this.checkServed()
    throw new ColdLookup((work) => this.use(work, undefined, untilDone))
  }

  read<T>(work: (source: Source) => MaybePromise<T>): MaybePromise<T> {
    return this.use(async ({ engine }) => await engine.read(work))
  }

  get counts(): CollectionCounts | null {
    return this.#counts
  }

  /** The info of an open collection, or the counts of a closed one. This is no use: it keeps nothing open. */
  async peek(): Promise<CollectionInfo | ClosedCollection> {
    this.checkServed()
    if (this.#failure) throw cannotBeServed(this.name, this.#failure)
    if (!this.#opened) return { name: this.name, counts: this.#counts }
    this.#looking++
    try {
      return await this.#opened.engine.info()
    } finally {
      this.#looking--
    }
  }

  get idleMs(): number {
    return this.#host.idleMs
  }

  /** The cells by which another thread that reads the open collection notes its uses and sees the end. */
  shareCells(): Int32Array {
    this.#cells ??= new Int32Array(
      new SharedArrayBuffer(Object.keys(SHARED_CELLS).length * Int32Array.BYTES_PER_ELEMENT),
    )
    return this.#cells
  }

  /** When it was last used, as far as the looks of `noteUse` have shown. */
  get usedAtMs(): number {
    return this.#usedAtMs
  }

  /** Counts the collection as used now if it was used since the last look. */
  noteUse(nowMs: number): void {
    const wasUsedElsewhere = this.#cells !== null && Atomics.exchange(this.#cells, SHARED_CELLS.wasUsed, 0) === 1
    if (wasUsedElsewhere || this.#seen !== this.#begun || this.#begun !== this.#over) this.#usedAtMs = nowMs
    this.#seen = this.#begun
  }

  get #isClosable(): boolean {
    return this.#begun === this.#over && this.#looking === 0 && !this.#ended
  }

  /**
   * Closes the collection unless it is used, has work under way, or is in trouble. The next use opens it again. Resolves
   * to whether it was closed.
   */
  async closeIfUnused(): Promise<boolean> {
    const opened = this.#opened
    if (!opened || !this.#isClosable || opened.engine.isBusy) return false
    this.#counts = opened.engine.counts
    this.#leave()
    // Rows that a failed close did not bring into the table are in the log. The next opening reads them.
    this.#closing = opened.engine
      .close()
      .catch(() => undefined)
      .then(() => {
        this.#closing = null
      })
    await this.#closing
    return true
  }

  /** From now on a use opens the collection anew. */
  #leave(): OpenedCollection | null {
    const opened = this.#opened
    this.#opened = null
    if (opened) this.#rates = opened.engine.bounds.rates
    openCollections.remove(this)
    if (this.#cells) {
      Atomics.store(this.#cells, SHARED_CELLS.isClosed, 1)
      catalogChanges.announce()
    }
    this.#cells = null
    return opened
  }

  /** Closes the collection without writing anything more. The next use opens it anew. */
  async reset(): Promise<void> {
    // Its opening may be of the store before.
    await this.#opening?.catch(() => undefined)
    this.#failure = null
    const engine = this.#leave()?.engine
    if (!engine) return
    this.#counts = engine.counts
    const closing = engine
      .close({ discard: true })
      .catch(() => undefined)
      .then(() => {
        if (this.#closing === closing) this.#closing = null
      })
    this.#closing = closing
    await closing
  }

  /** Closes the collection and refuses every use from now on. */
  async shut(error: VicinalError): Promise<void> {
    this.fail(error)
    await this.#leave()?.engine.close()
  }

  /** Closes the collection for good: its handles reject with CLOSED. With `discard` nothing more is written. */
  async end(options: { discard?: boolean } = {}): Promise<void> {
    this.#ended = true
    await this.#closing
    // An opening under way sees the end, and closes its engine.
    await this.#opening?.catch(() => undefined)
    const opened = this.#leave()
    this.#counts = opened?.engine.counts ?? this.#counts
    await opened?.engine.close(options)
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof VicinalError && error.code === 'CLOSED'
}

/** Failures that stay until the collection is replaced or the database is opened again. Others are tried again. */
function isLasting({ code, details }: VicinalError): boolean {
  return LASTING.has(code) || details.stays !== undefined
}
