import type { CallOptions } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import type { CollectionInfo, SchemaVector } from '../../core/schema.js'
import type { LookedUp, Source } from '../../query/source.js'
import { catalogChanges } from '../catalogue/catalog-changes.js'
import { cannotBeServed } from '../catalogue/catalog-errors.js'
import { type Closable, openCollections } from '../memory/open-collections.js'
import { withDeadline } from './call-scope.js'
import type { CollectionEngine } from './collection-engine.js'
import type { EmbeddedCollection } from './embedded-collection.js'

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

/** Thrown where a query looks points up in a collection that is not open. The query runs again once it is. */
export class ColdLookup {
  readonly slot: CollectionSlot

  constructor(slot: CollectionSlot) {
    this.slot = slot
  }
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
  #opening: Promise<OpenedCollection> | null = null
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

  /** With `engine` the collection is open already. */
  constructor({ name, uuid }: { name: string; uuid: string }, host: SlotHost, engine?: CollectionEngine) {
    this.name = name
    this.uuid = uuid
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

  /** Throws if the collection was deleted or replaced, or is known to be damaged. */
  checkServed(): void {
    if (this.#ended) throw new VicinalError('CLOSED', `collection ${JSON.stringify(this.name)} is closed`)
    if (this.#failure && isLasting(this.#failure)) throw cannotBeServed(this.name, this.#failure)
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
    return opened ? this.#run(opened, work) : this.#openAndRun(work, call, within)
  }

  #run<T>(
    opened: OpenedCollection,
    work: (opened: OpenedCollection, openedInUs?: number) => Promise<T>,
    openedInUs?: number,
  ): Promise<T> {
    this.#begun++
    return work(opened, openedInUs).then(
      (answer) => {
        this.#over++
        return answer
      },
      async (error: unknown) => {
        this.#over++
        if (!(error instanceof ColdLookup)) throw error
        await error.slot.open()
        return await this.use(work)
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
      const opened = await within(call, () => this.open())
      return await this.#run(opened, work, Math.round((performance.now() - started) * US_PER_MS))
    } finally {
      this.#over++
    }
  }

  /** Opens the collection, unless it is open. */
  async open(): Promise<OpenedCollection> {
    this.checkServed()
    if (this.#opened) return this.#opened
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    })
    return await this.#opening
  }

  async #open(): Promise<OpenedCollection> {
    await this.#closing
    this.checkServed()
    let engine: CollectionEngine
    try {
      engine = await this.#host.open(this)
    } catch (cause) {
      const error = cause instanceof VicinalError ? cause : new VicinalError('INTERNAL', String(cause), { cause })
      this.fail(error)
      throw cannotBeServed(this.name, error)
    }
    const failure = this.#failure
    this.#failure = null
    if (failure) this.#host.onFailure(this, failure, true)
    return this.#openedAs(engine)
  }

  #openedAs(engine: CollectionEngine): OpenedCollection {
    const opened = { engine, methods: this.#host.methodsOf(engine) }
    this.#opened = opened
    this.#usedAtMs = performance.now()
    if (this.#host.reopens) openCollections.add(this)
    this.#host.onOpened(this, engine)
    return opened
  }

  /** Notes why the collection cannot be opened. A cause that lasts refuses every use from now on. */
  fail(error: VicinalError): void {
    const isNew = this.#failure?.code !== error.code
    this.#failure = error
    if (isNew) this.#host.onFailure(this, error, false)
  }

  // What another collection's query looks up

  get schema(): readonly SchemaVector[] {
    if (this.#opened) return this.#opened.engine.schema
    this.checkServed()
    throw new ColdLookup(this)
  }

  read<T>(work: (source: Source) => MaybePromise<T>): MaybePromise<T> {
    return this.use(async ({ engine }) => await engine.read(work))
  }

  /** The info of an open collection; null of another. Asking is no use: it keeps nothing open. */
  async peek(): Promise<CollectionInfo | null> {
    this.checkServed()
    if (this.#failure) throw cannotBeServed(this.name, this.#failure)
    if (!this.#opened) return null
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
    return this.#begun === this.#over && this.#looking === 0
  }

  /**
   * Closes the collection unless it is used, has work under way, or is in trouble. The next use opens it again. Resolves
   * to whether it was closed.
   */
  async closeIfUnused(): Promise<boolean> {
    const opened = this.#opened
    if (!opened || !this.#isClosable || opened.engine.isBusy) return false
    this.#leave()
    // What a failed close did not bring into the table is in the log, and read by the next opening.
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
    openCollections.remove(this)
    if (this.#cells) {
      Atomics.store(this.#cells, SHARED_CELLS.isClosed, 1)
      catalogChanges.announce()
    }
    this.#cells = null
    return opened
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
    await this.#opening?.catch(() => undefined)
    openCollections.remove(this)
    await this.#opened?.engine.close(options)
  }
}

/** Failures that stay until the collection is replaced or the database is opened again. Others are tried again. */
function isLasting({ code, details }: VicinalError): boolean {
  return LASTING.has(code) || details.stays !== undefined
}
