import type { Db, FlushType, WriteBatch } from '@slatedb/uniffi'
import { CountedBatches, type Moment, moment } from './counted-batches.js'
import { Ended, endedBy, messageOf } from './slate-endings.js'

/** An owner without writes proves so often, in parts of the bound, that it still has the database. */
const BEATS = 2
/** Key of the proof. */
const BEAT = Buffer.from('b')
/** An opening reads each object of the log since the last flush of SlateDB's table in memory: so many batches at most. */
const FLUSHED_BATCHES = 1_000
/** Share of SlateDB's memory that batches take before they are flushed. */
const FLUSHED_SHARE = 1 / 4

/**
 * An opening of the database for writing. Batches, proofs and flushes come one after the other, for two faults of SlateDB
 * 0.12.1 that lose acknowledged batches at a crash:
 *
 * - A flush that is asked for takes a batch for flushed that is in the log and not yet in the table (its change 1857). So
 *   no batch is under way while one runs.
 * - An opening that replays the log into several tables takes all of them for flushed once the first is (its change 1625).
 *   So SlateDB makes no table by its own bound. Batches and bytes are counted here, and those that the opening found are
 *   flushed first.
 */
export class SlateWriter {
  readonly #db: Db
  readonly #flushType: FlushType
  readonly #counted: CountedBatches
  readonly #beatMs: number
  readonly #flushedBytes: number
  /** Batches that the opening found in the log are not counted, and are flushed after the first batch. */
  #unflushed = { batches: FLUSHED_BATCHES, bytes: 0 }
  #turn: Promise<unknown> = Promise.resolve()
  #beat: NodeJS.Timeout | null = null
  #ended: Ended | null = null

  /** Throws if the opening, which began then, took too long to count. */
  constructor(db: Db, flushType: FlushType, began: Moment, bounds: { minAgeMs: number; memoryBytes: number }) {
    this.#db = db
    this.#flushType = flushType
    this.#counted = new CountedBatches(bounds.minAgeMs, began)
    if (!this.#counted.counts(began)) throw new Ended('the database took too long to open', 'late')
    this.#beatMs = bounds.minAgeMs / 2 / BEATS
    this.#flushedBytes = Math.floor(bounds.memoryBytes * FLUSHED_SHARE)
    this.#awaitBeat()
  }

  /** To read from. Throws once the database has ended. */
  get db(): Db {
    if (this.#ended) throw this.#ended
    return this.#db
  }

  /** Resolves once the batch is durable and counts. */
  async write(batch: WriteBatch, bytes: number): Promise<void> {
    await this.#commit(() => this.#db.write(batch), bytes)
    this.#awaitBeat()
  }

  stop(): void {
    if (this.#beat) clearTimeout(this.#beat)
  }

  async #commit(work: () => Promise<unknown>, bytes: number): Promise<void> {
    await this.#inTurn(async () => {
      const began = moment()
      await work()
      if (!this.#counted.counts(began)) throw late()
    })
    this.#unflushed.batches++
    this.#unflushed.bytes += bytes
    const { batches, bytes: unflushed } = this.#unflushed
    if (batches < FLUSHED_BATCHES && unflushed < this.#flushedBytes) return
    this.#unflushed = { batches: 0, bytes: 0 }
    // This batch is answered meanwhile, and the next one waits. After a failure it finds that the database has ended.
    const flush = async () => await this.#db.flush_with_options({ flush_type: this.#flushType })
    this.#inTurn(flush).catch(() => undefined)
  }

  /** Work without an answer by the time when no batch can count any more ends the database: its outcome is unknown. */
  #inTurn(work: () => Promise<unknown>): Promise<void> {
    const done = this.#turn.then(async () => {
      if (this.#ended) throw this.#ended
      let timer: NodeJS.Timeout | undefined
      const overdue = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late()), this.#counted.leftMs)
      })
      try {
        await Promise.race([work(), overdue])
      } catch (cause) {
        this.#ended ??= endedBy(cause) ?? new Ended(messageOf(cause), 'lost')
        throw this.#ended
      } finally {
        clearTimeout(timer)
      }
    })
    this.#turn = done.catch(() => undefined)
    return done
  }

  #awaitBeat(): void {
    this.stop()
    this.#beat = setTimeout(() => {
      this.#commit(() => this.#db.put(BEAT, Buffer.alloc(0)), BEAT.length).then(
        () => this.#awaitBeat(),
        () => undefined,
      )
    }, this.#beatMs).unref()
  }
}

const late = () => new Ended('the store answered later than half of min_age; the write does not count', 'late')
