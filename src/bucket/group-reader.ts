import { VicinalError } from '../core/errors.js'
import type { StoreAddress } from './address.js'
import { bounded } from './bounded.js'
import { openedReader } from './group-opening.js'
import { behind, OWNER, WATERMARK } from './keys.js'
import { decodeOwner, type GroupOwner } from './owner.js'
import { MOST_PUSHED_BYTES, PushedBatches } from './pushed-batches.js'
import type { ReceivedFrame } from './pushed-frame.js'
import { ReaderThread } from './reader-thread.js'
import type { Entry, SlateResults } from './slate-messages.js'
import type { SlateThread } from './slate-thread.js'
import { decodePosition, hasReached, type Position } from './watermark.js'

/** Bytes of one piece of a scan, about. */
export const SCAN_BYTES = 4 * 1024 * 1024
/** How often SlateDB's reader asks the store while there may be something new. */
const BUSY_POLL_MS = 100
/** The same once nothing has changed for a while. */
const QUIET_POLL_MS = 1_000
/** The same after a longer while. */
const IDLE_POLL_MS = 10_000
/** The same while the owner pushes: pushed batches are held until then. Each look is paid, and lists the retained log. */
const PUSHED_POLL_MS = 30_000
/** How long it goes on asking often after the last reason to do so. */
const BUSY_MS = 5_000
const QUIET_MS = 20_000
/** While the owner pushes, how often the database is asked what it has by now. */
const LOOK_MS = 1_000

/**
 * A group as another node reads it: its durable state as of the reader's last poll, and the batches that the owner has
 * pushed since. Without pushed batches it polls often, unless nothing changes and nobody waits.
 */
export class GroupReader {
  readonly #reader: ReaderThread
  readonly #pushed: PushedBatches
  readonly #onPushed: () => void
  #isPushing = false
  #busyUntilMs = 0
  /** A reader that was just opened has all that there is, and need not ask often. */
  #changedAtMs = performance.now() - BUSY_MS
  #hasBase = false
  #lookedAtMs = 0
  #pollMs = QUIET_POLL_MS
  #changing: Promise<void> | null = null
  #isClosed = false

  private constructor(
    private readonly address: StoreAddress,
    thread: SlateThread,
    open: () => Promise<SlateThread>,
    onPushed: () => void,
    memoryBytes = MOST_PUSHED_BYTES,
  ) {
    this.#pushed = new PushedBatches(Math.min(MOST_PUSHED_BYTES, memoryBytes))
    this.#reader = new ReaderThread(thread, { open, admit: (next) => this.#admit(next) })
    this.#onPushed = onPushed
  }

  /**
   * `onPushed` is called when there is more to read. SlateDB and pushed batches may each hold `memoryBytes`. Rejects with
   * UNAVAILABLE if the store does not answer.
   */
  static async open(
    address: StoreAddress,
    onPushed: () => void = () => {},
    memoryBytes?: number,
  ): Promise<GroupReader> {
    const open = () => openedReader(address, QUIET_POLL_MS, memoryBytes)
    return new GroupReader(address, await open(), open, onPushed, memoryBytes)
  }

  /** Bytes that SlateDB holds at most. */
  get heldBytes(): number {
    return this.#reader.present.heldBytes
  }

  /** Bytes of pushed batches that are held. */
  get pushedBytes(): number {
    return this.#pushed.bytes
  }

  /** The node that opened the group last, as far as this reader's database has it. */
  async owner(): Promise<GroupOwner | null> {
    return decodeOwner(await this.#get(OWNER))
  }

  /** How far this reader sees. Later reads are not older. `isAwaited`: callers wait for the next batch. */
  async position(isAwaited = false): Promise<Position> {
    const pushed = this.#pushed
    const nowMs = performance.now()
    if (isAwaited && !this.#isPushing) this.#busyUntilMs = nowMs + BUSY_MS
    const isKnown = this.#isPushing && !pushed.isWaiting && nowMs - this.#lookedAtMs < LOOK_MS
    if (!isKnown) this.#noteBase(decodePosition(await this.#get(WATERMARK)))
    this.#setPace()
    return pushed.position
  }

  #noteBase(base: Position): void {
    const before = this.#pushed.position
    this.#pushed.readBase(base)
    this.#lookedAtMs = performance.now()
    const { position } = this.#pushed
    if (this.#hasBase && !hasReached(before, position)) this.#changedAtMs = performance.now()
    this.#hasBase = true
  }

  /** Takes a frame of the owner's stream. Throws for one too many: the stream must be cut then. */
  take(frame: ReceivedFrame): void {
    const before = this.#pushed.position
    // Each look of SlateDB's reader takes requests that the owner's own writes wait behind.
    if (!this.#isPushing) this.#busyUntilMs = Math.min(this.#busyUntilMs, performance.now() + LOOK_MS)
    this.#isPushing = true
    this.#pushed.take(frame)
    const isAhead = !hasReached(before, this.#pushed.position)
    if (isAhead) this.#changedAtMs = performance.now()
    if (isAhead || this.#pushed.isWaiting) this.#onPushed()
  }

  /** The owner's stream is over: everything is read from the store. */
  cut(): void {
    if (!this.#isPushing) return
    this.#isPushing = false
    this.#pushed.cut()
    this.#busyUntilMs = performance.now() + BUSY_MS
    this.#setPace()
  }

  /** Whether a batch after `since` may have changed the collection. */
  touches(uuid: string, since: Position): boolean {
    return this.#pushed.touches(uuid, since)
  }

  async get(key: Uint8Array): Promise<Uint8Array | null> {
    const { entries } = this.#pushed
    if (entries.isEmpty) return await this.#get(key)
    const { value, watermark } = await this.#read((thread) => thread.getExact(key))
    const pushed = entries.get(key, decodePosition(watermark))
    return pushed === undefined ? value : pushed
  }

  /** The entries whose keys begin with `prefix`, from the key `from` on. */
  async *scan(prefix: Uint8Array, from = prefix): AsyncGenerator<Entry> {
    const { entries } = this.#pushed
    if (entries.isEmpty) yield* scanned((next, to) => this.#scan(next, to, false), prefix, from)
    // The log of a collection, at the place where its reader is: the database cannot have more.
    else if (entries.puts(from)) yield* entries.over([], from, behind(prefix), null)
    else {
      const to = behind(prefix)
      for (let next = from; ; ) {
        const piece = await this.#scan(next, to, true)
        const last = piece.entries.at(-1)
        const end = piece.isWhole || !last ? to : after(last[0])
        yield* entries.over(piece.entries, next, end, decodePosition(piece.watermark ?? null))
        if (end === to) return
        next = end
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reader.close()
  }

  async #get(key: Uint8Array): Promise<Uint8Array | null> {
    return await this.#read((thread) => thread.get(key))
  }

  async #scan(from: Uint8Array, to: Uint8Array, isExact: boolean): Promise<SlateResults['scan']> {
    return await this.#read((thread) => thread.scan(from, to, SCAN_BYTES, isExact))
  }

  async #read<T>(work: (thread: SlateThread) => Promise<T>): Promise<T> {
    return await this.#reader.read((thread) => bounded(this.address, work(thread)))
  }

  /** A database that was opened again has what the one before had, and begins with its pace. */
  async #admit(next: SlateThread): Promise<void> {
    if (!hasReached(decodePosition(await next.get(WATERMARK)), this.#pushed.base))
      throw new VicinalError('UNAVAILABLE', "the store's database: a new reader sees less than the one before")
    this.#pollMs = QUIET_POLL_MS
    this.#busyUntilMs = performance.now() + BUSY_MS
  }

  /** Has SlateDB's reader ask the store as often as there is reason to. */
  #setPace(): void {
    const nowMs = performance.now()
    const isFull = this.#pushed.bytes > this.#pushed.mostBytes / 2
    const isBusy = this.#pushed.isWaiting || isFull || (!this.#isPushing && nowMs - this.#changedAtMs < BUSY_MS)
    if (isBusy) this.#busyUntilMs = nowMs + (this.#isPushing ? LOOK_MS : BUSY_MS)
    const unaskedMs = nowMs - this.#changedAtMs >= QUIET_MS ? IDLE_POLL_MS : QUIET_POLL_MS
    const pollMs = nowMs < this.#busyUntilMs ? BUSY_POLL_MS : this.#isPushing ? PUSHED_POLL_MS : unaskedMs
    if (pollMs === this.#pollMs || this.#changing || this.#isClosed) return
    const thread = this.#reader.present
    this.#changing = thread
      .setPoll(pollMs)
      .then(() => {
        if (thread === this.#reader.present) this.#pollMs = pollMs
      })
      // The reader goes on as it was, and the next call tries again.
      .catch(() => undefined)
      .finally(() => {
        this.#changing = null
      })
  }
}

/** Entries of a database whose keys begin with `prefix`. `scan` reads a piece of them. */
export async function* scanned(
  scan: (from: Uint8Array, to: Uint8Array) => Promise<SlateResults['scan']>,
  prefix: Uint8Array,
  from: Uint8Array,
): AsyncGenerator<Entry> {
  const to = behind(prefix)
  for (let next = from; ; ) {
    const { entries, isWhole } = await scan(next, to)
    yield* entries
    const last = entries.at(-1)
    if (isWhole || !last) return
    next = after(last[0])
  }
}

/** The first key after this one. */
const after = (key: Uint8Array) => Buffer.concat([key, Buffer.alloc(1)])
