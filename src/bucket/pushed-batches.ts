import { MANIFESTS, RECORDS, uuidOf } from './keys.js'
import type { ReceivedFrame } from './pushed-frame.js'
import type { Entry } from './slate-messages.js'
import { hasReached, type Position, type Watermark } from './watermark.js'

/** Bytes of pushed batches that a reader holds until it has read them from the store as well; less below a memory limit. */
export const MOST_PUSHED_BYTES = 64 * 1024 * 1024

const textOf = (key: Uint8Array) => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')

/** One pushed batch: values by key, null for removed keys. Keys are texts, ordered like their bytes. */
interface Held {
  position: Position
  entries: ReadonlyMap<string, Uint8Array | null>
  uuids: ReadonlySet<string>
  bytes: number
}

/**
 * The batches that the owner has pushed and that this reader's database does not have yet. They are read on top of it.
 *
 * Readable batches follow each other and the database without a gap. After a gap, new ones wait until the database has
 * the batches before them. A batch of a lower epoch than the newest known is dropped: a fenced owner that does not know
 * it yet may still push, and its successor uses the same numbers. Once the database has a batch, it is dropped here.
 */
export class PushedBatches {
  #base: Position = { epoch: 0, batch: 0, catalogueBatch: 0 }
  #readable: readonly Held[] = []
  #waiting: readonly Held[] = []
  /** The batch before the first that waits, while some may come. */
  #waitsFor: Watermark | null = null

  constructor(readonly mostBytes = MOST_PUSHED_BYTES) {}

  /** How far the database has been read. */
  get base(): Position {
    return this.#base
  }

  /** The last batch that can be read, from here or from the database. */
  get position(): Position {
    return this.#readable.at(-1)?.position ?? this.#base
  }

  /** Whether the database must be read further before pushed batches can be. */
  get isWaiting(): boolean {
    return this.#waitsFor !== null
  }

  get bytes(): number {
    return [...this.#readable, ...this.#waiting].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** The database has this much. */
  readBase(base: Position): void {
    if (hasReached(base, this.#base)) this.#base = base
    this.#settle()
  }

  /** The stream is over: no more batches follow. */
  cut(): void {
    this.#waiting = []
    this.#waitsFor = null
  }

  /** Takes a frame in the order of its stream. Throws where more is held than `mostBytes`. */
  take(frame: ReceivedFrame): void {
    const { position } = frame
    const last = this.#waiting.at(-1)?.position ?? this.#waitsFor ?? this.position
    // Of an owner that another one has followed.
    if (position.epoch < Math.max(last.epoch, this.#base.epoch)) return
    if (frame.isPosition) {
      if (hasReached(last, position)) return
      this.#waiting = []
      this.#waitsFor = position
    } else if (position.epoch === last.epoch && position.batch <= last.batch) {
      return
    } else {
      const isNext = position.epoch === last.epoch && position.batch === last.batch + 1
      const held = heldOf(frame)
      if (!isNext) {
        this.#waiting = [held]
        this.#waitsFor = { epoch: position.epoch, batch: position.batch - 1 }
      } else if (this.#waitsFor) this.#waiting = [...this.#waiting, held]
      else this.#readable = [...this.#readable, held]
    }
    this.#settle()
    if (this.bytes > this.mostBytes) throw new Error(`more than ${this.mostBytes} bytes of batches are held`)
  }

  #settle(): void {
    const isNew = ({ position }: Held) => !hasReached(this.#base, position)
    this.#readable = this.#readable.filter(isNew)
    if (!this.#waitsFor || !hasReached(this.position, this.#waitsFor)) return
    const from = this.position
    this.#readable = [...this.#readable, ...this.#waiting.filter(({ position }) => !hasReached(from, position))]
    this.cut()
  }

  /** Whether a batch after `since` may have changed the collection. */
  touches(uuid: string, since: Watermark): boolean {
    const [first] = this.#readable
    if (!first || first.position.epoch !== since.epoch || first.position.batch > since.batch + 1) return true
    return this.#readable.some(({ position, uuids }) => !hasReached(since, position) && uuids.has(uuid))
  }

  /** The entries that can be read now. They stay as they are while later batches come. */
  get entries(): PushedEntries {
    return new PushedEntries(this.#readable)
  }
}

/** Readable batches at one time, on top of a database that may have some of them already. */
export class PushedEntries {
  readonly #batches: readonly Held[]

  constructor(batches: readonly Held[]) {
    this.#batches = batches
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  /** Undefined if no batch that the database lacks has the key; null if it was removed. */
  get(key: Uint8Array, base: Position): Uint8Array | null | undefined {
    const text = textOf(key)
    return this.#above(base)
      .findLast(({ entries }) => entries.has(text))
      ?.entries.get(text)
  }

  /** Whether a batch puts this key, so that all later entries of its log are here. */
  puts(key: Uint8Array): boolean {
    const text = textOf(key)
    return this.#batches.findLast(({ entries }) => entries.has(text))?.entries.get(text) != null
  }

  /** Entries of the database between two keys, `to` excluded, with the pushed entries that it lacks. */
  over(found: readonly Entry[], from: Uint8Array, to: Uint8Array, base: Position | null): Entry[] {
    const [first, end] = [textOf(from), textOf(to)]
    const merged = new Map(found.map((entry) => [textOf(entry[0]), entry]))
    for (const { entries } of base ? this.#above(base) : this.#batches) {
      for (const [text, value] of entries) {
        if (text < first || text >= end) continue
        if (value === null) merged.delete(text)
        else merged.set(text, [Buffer.from(text, 'latin1'), value])
      }
    }
    return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
  }

  #above(base: Position): readonly Held[] {
    return this.#batches.filter(({ position }) => !hasReached(base, position))
  }
}

function heldOf({ position, puts, deletes, bytes }: ReceivedFrame): Held {
  const entries = new Map<string, Uint8Array | null>(puts.map(([key, value]) => [textOf(key), value]))
  for (const key of deletes) entries.set(textOf(key), null)
  const uuids = new Set<string>()
  for (const key of [...puts.map(([key]) => key), ...deletes]) {
    const uuid = uuidOf(key, RECORDS) ?? uuidOf(key, MANIFESTS)
    if (uuid !== null) uuids.add(uuid)
  }
  return { position, entries, uuids, bytes }
}
