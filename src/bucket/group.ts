import { setImmediate as nextTurn } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import { workTimes } from '../core/work-times.js'
import { type Settled, settled } from '../log/group.js'
import type { StoreAddress } from './address.js'
import { countWithin } from './batches.js'
import { bounded } from './bounded.js'
import { GroupOpenings, type Opening, type OpeningOptions } from './group-opening.js'
import { SCAN_BYTES, scanned } from './group-reader.js'
import { WATERMARK } from './keys.js'
import type { PushedBatch } from './pushed-frame.js'
import type { Entry } from './slate-messages.js'
import type { SlateThread } from './slate-thread.js'
import { encodePosition, isOfCatalogue, type Position } from './watermark.js'

/** Bytes of values in one batch; a change alone may have more. */
const BATCH_BYTES = 8 * 1024 * 1024

export interface GroupOptions extends OpeningOptions {
  /** Called once, when the group takes nothing more: another node has opened it. */
  onEnd?: (error: VicinalError) => void
  /**
   * Called after each batch that is durable and counts, in their order, and with a position alone after the database was
   * opened again. Its arrays are valid during the call alone.
   */
  onBatch?: (batch: PushedBatch) => void
}

/** Puts and removals that are durable together or not at all. */
export interface Change {
  puts: Entry[]
  deletes?: Uint8Array[]
}

interface Waiting {
  change: Change
  bytes: number
  done: Settled
}

/**
 * One database on the store: the logs, manifests and catalogue of its collections. It has one owner, the node that opened
 * it last; an opening fences the owner before. All waiting changes go into one atomic batch, one batch at a time.
 *
 * A failed batch has an unknown outcome. The group then opens its database anew, and reads whether the batch is there. If
 * another node has opened it meanwhile, the group ends.
 */
export class Group {
  readonly #address: StoreAddress
  readonly #openings: GroupOpenings
  readonly #onEnd: (error: VicinalError) => void
  readonly #onBatch: (batch: PushedBatch) => void
  #thread: SlateThread
  #position: Position
  #queue: Waiting[] = []
  #writing: Promise<void> | null = null
  /** Settles when the database is open again, or never will be. */
  #reopening: Promise<unknown> | null = null
  #failure: VicinalError | null = null
  #isClosing = false

  private constructor(
    address: StoreAddress,
    openings: GroupOpenings,
    opening: Opening,
    { onEnd, onBatch }: GroupOptions,
  ) {
    this.#address = address
    this.#openings = openings
    this.#onEnd = onEnd ?? (() => {})
    this.#onBatch = onBatch ?? (() => {})
    this.#thread = opening.thread
    this.#position = firstOf(opening)
  }

  /**
   * Opens the database for writing, and makes it if there is none. Rejects with UNAVAILABLE if the store cannot be
   * reached, and with NATIVE_UNAVAILABLE without the packages of a store.
   */
  static async open(address: StoreAddress, options: GroupOptions = {}): Promise<Group> {
    const openings = new GroupOpenings(address, options)
    return new Group(address, openings, await openings.open(), options)
  }

  /** Number of the last opening. A higher one is a later owner's. */
  get epoch(): number {
    return this.#position.epoch
  }

  /** The reason why nothing more is taken, with the `Ending` in its details; null while the group works. */
  get failure(): VicinalError | null {
    return this.#failure
  }

  /** Bytes that SlateDB holds at most. */
  get heldBytes(): number {
    return this.#thread.heldBytes
  }

  /** The position of the last batch that is durable and counts. */
  get position(): Position {
    return this.#position
  }

  /**
   * Resolves once the change is durable and counts. The arrays of values must not change until then. Rejects with
   * UNAVAILABLE: the store does not have the change, or, if `failure` is set, that is not known.
   */
  async write(change: Change): Promise<void> {
    if (this.#failure) throw this.#failure
    const bytes = change.puts.reduce((sum, [, value]) => sum + value.byteLength, 0)
    const done = settled()
    this.#queue.push({ change, bytes, done })
    this.#writing ??= this.#writeAll()
    await done.promise
  }

  async get(key: Uint8Array): Promise<Uint8Array | null> {
    return await this.#read((thread) => thread.get(key))
  }

  /** The entries whose keys begin with `prefix`, from the key `from` on. */
  async *scan(prefix: Uint8Array, from = prefix): AsyncGenerator<Entry> {
    const scan = (next: Uint8Array, to: Uint8Array) => this.#read((thread) => thread.scan(next, to, SCAN_BYTES))
    yield* scanned(scan, prefix, from)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    while (this.#writing) await this.#writing
    this.#failure ??= new VicinalError('CLOSED', 'the store is closed')
    await this.#thread.close()
  }

  async #writeAll(): Promise<void> {
    // Callers that the last batch answered may have more to write in this turn.
    for (await nextTurn(); this.#queue.length > 0; await nextTurn()) {
      const batch = this.#take()
      const puts = batch.flatMap(({ change }) => change.puts)
      const deletes = batch.flatMap(({ change }) => change.deletes ?? [])
      const next = this.#next(puts, deletes)
      const startMs = performance.now()
      try {
        await this.#thread.write([...puts, [WATERMARK, encodePosition(next)]], deletes)
        workTimes.note('fsync', performance.now() - startMs)
        this.#position = next
        for (const { done } of batch) done.resolve()
        this.#onBatch({ position: next, puts, deletes })
      } catch (error) {
        await this.#settleUnknown(batch, next, error as VicinalError)
      }
    }
    // Without a pause after the last look: a change that arrives from here on begins another loop.
    this.#writing = null
  }

  /** Finds out whether a failed batch is there. Later changes were never sent. */
  async #settleUnknown(batch: readonly Waiting[], number: Position, cause: VicinalError): Promise<void> {
    const { epoch } = this.#position
    const before = await this.#reopen(cause)
    const isThere = before?.epoch === epoch && before.batch >= number.batch
    if (isThere) for (const { done } of batch) done.resolve()
    const error = this.#failure ?? notStored(cause)
    for (const { done } of [...(isThere ? [] : batch), ...this.#queue.splice(0)]) done.reject(error)
  }

  /** Resolves to the last batch that the store has of the opening before; null if the group has ended. */
  async #reopen(cause: VicinalError): Promise<Position | null> {
    const reopening = this.#openAgain(cause)
    this.#reopening = reopening
    const before = await reopening
    this.#reopening = null
    return before
  }

  async #openAgain(cause: VicinalError): Promise<Position | null> {
    await this.#thread.close()
    try {
      const opening = await this.#openings.reopen(cause.details.ending, () => this.#isClosing)
      if (opening) {
        this.#thread = opening.thread
        this.#position = firstOf(opening)
        // A batch of unknown outcome may be there: readers look at the store.
        this.#onBatch({ position: this.#position, puts: [], deletes: [], isPosition: true })
        return opening.before
      }
      if (this.#isClosing) this.#failure ??= cause
      else this.#fail(fenced(cause))
    } catch (error) {
      this.#fail(error as VicinalError)
    }
    return null
  }

  async #live(): Promise<SlateThread> {
    await this.#reopening
    if (this.#failure) throw this.#failure
    return this.#thread
  }

  #next(puts: readonly Entry[], deletes: readonly Uint8Array[]): Position {
    const { epoch, batch, catalogueBatch } = this.#position
    const isListed = puts.some(([key]) => isOfCatalogue(key)) || deletes.some(isOfCatalogue)
    return { epoch, batch: batch + 1, catalogueBatch: isListed ? batch + 1 : catalogueBatch }
  }

  #take(): Waiting[] {
    return this.#queue.splice(
      0,
      countWithin(this.#queue, BATCH_BYTES, ({ bytes }) => bytes),
    )
  }

  async #read<T>(work: (thread: SlateThread) => Promise<T>): Promise<T> {
    try {
      return await bounded(this.#address, this.#live().then(work))
    } catch (error) {
      // An empty batch fails too, and has the database opened again.
      if (error instanceof VicinalError && error.details.ending) this.write({ puts: [] }).catch(() => undefined)
      throw error
    }
  }

  #fail(error: VicinalError): void {
    if (this.#failure) return
    this.#failure = error
    this.#onEnd(error)
  }
}

/** The catalogue may have changed in any batch of the owner before. */
function firstOf({ epoch }: Opening): Position {
  return { epoch, batch: 0, catalogueBatch: 0 }
}

function notStored(cause: VicinalError): VicinalError {
  return new VicinalError('UNAVAILABLE', `the store does not have the write: ${cause.message}`, { cause })
}

function fenced(cause: VicinalError): VicinalError {
  if (cause.details.ending === 'fenced') return cause
  const message = `the store's database: another node has opened it (${cause.message})`
  return new VicinalError('UNAVAILABLE', message, { details: { ending: 'fenced' }, cause })
}
