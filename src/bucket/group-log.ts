import { VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { type Settled, settled } from '../log/group.js'
import type { Appended, Log } from '../log/log.js'
import { encodeBounded, type LogEntry, type LogRecord } from '../log/record.js'
import { countWithin } from './batches.js'
import type { Group } from './group.js'
import { firstSeqOf, recordsKey, recordsOf } from './keys.js'
import { decodeRecords, type EncodedBody, encodeRecords, framedBytes, recordsIn } from './records.js'
import { watermarkText } from './watermark.js'

/** Bytes of records in one value; a record alone may have more. */
const VALUE_BYTES = 4 * 1024 * 1024

/** Records with consecutive numbers below one key. */
interface Run {
  firstSeq: number
  lastSeq: number
  bytes: number
}

interface Queued extends EncodedBody {
  seq: number
  written: Settled
  durable: Settled
}

/**
 * The log of one collection in a group's database. All records that wait make one value, which is durable with the
 * group's next batch. A batch that the store does not have takes back its numbers. If the group has ended, the outcome is unknown, and
 * the log fails for good: it is opened and read anew.
 */
export class GroupLog implements Log {
  readonly #group: Group
  readonly #uuid: string
  readonly #runs: Run[]
  #lastSeq: number
  #durableSeq: number
  #queue: Queued[] = []
  /** Records of the batch under way. */
  #underWay: readonly Queued[] = []
  #bufferedBytes = 0
  #writing: Promise<void> | null = null
  #failure: VicinalError | null = null
  #closed = false

  private constructor(group: Group, uuid: string, runs: Run[], lastSeq: number) {
    this.#group = group
    this.#uuid = uuid
    this.#runs = runs
    this.#lastSeq = lastSeq
    this.#durableSeq = lastSeq
  }

  /** Rejects with CORRUPT if records after `flushedSeq` are missing. */
  static async open(group: Group, uuid: string, flushedSeq: number): Promise<GroupLog> {
    const runs: Run[] = []
    for await (const [key, value] of group.scan(recordsOf(uuid))) {
      const firstSeq = firstSeqOf(key)
      const { bodies } = recordsIn(value, whereOf(uuid, firstSeq))
      checkNext(uuid, runs.at(-1)?.lastSeq ?? null, firstSeq, flushedSeq)
      runs.push({ firstSeq, lastSeq: firstSeq + bodies.length - 1, bytes: value.byteLength })
    }
    return new GroupLog(group, uuid, runs, Math.max(flushedSeq, runs.at(-1)?.lastSeq ?? 0))
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  get durableSeq(): number {
    return this.#durableSeq
  }

  /** Of everything in the group that is durable. */
  get watermark(): string {
    return watermarkText(this.#group.position)
  }

  get bytes(): number {
    return this.#runs.reduce((sum, run) => sum + run.bytes, this.#bufferedBytes)
  }

  get values(): number {
    return this.#runs.length
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  get failure(): VicinalError | null {
    return this.#failure ?? this.#group.failure
  }

  append(seq: number, record: LogRecord): Appended {
    if (this.#closed) throw new VicinalError('CLOSED', 'the log is closed')
    if (this.failure) throw this.failure
    if (seq !== this.#lastSeq + 1)
      throw new VicinalError('INTERNAL', `log: expected record ${this.#lastSeq + 1}, got ${seq}`)
    const body = encodeBounded(record, LIMITS.storeRecordBytes)
    // Nothing is written before it is durable: a record in this process alone would not survive it.
    const durable = settled()
    this.#queue.push({ ...body, seq, written: durable, durable })
    this.#bufferedBytes += framedBytes(body)
    this.#lastSeq = seq
    this.#writing ??= this.#writeAll()
    return { written: durable.promise, durable: durable.promise }
  }

  async durable(throughSeq: number): Promise<void> {
    const waiting = [...this.#underWay, ...this.#queue].find(({ seq }) => seq === Math.min(throughSeq, this.#lastSeq))
    if (waiting) return await waiting.durable.promise
    if (this.#durableSeq < throughSeq && this.failure) throw this.failure
  }

  async *replay(afterSeq: number): AsyncGenerator<LogEntry> {
    const first = this.#runs.find(({ lastSeq }) => lastSeq > afterSeq)
    if (!first) return
    const through = this.#durableSeq
    for await (const [key, value] of this.#group.scan(recordsOf(this.#uuid), recordsKey(this.#uuid, first.firstSeq))) {
      const firstSeq = firstSeqOf(key)
      if (firstSeq > through) return
      for (const entry of decodeRecords(firstSeq, value, whereOf(this.#uuid, firstSeq)))
        if (entry.seq > afterSeq) yield entry
    }
  }

  bytesSince(afterSeq: number): number {
    return this.#runs.reduce((sum, run) => (run.lastSeq > afterSeq ? sum + run.bytes : sum), this.#bufferedBytes)
  }

  /** Keys of values whose records are all covered, at most so many. The caller's batch removes them. */
  covered(throughSeq: number, most: number): Uint8Array[] {
    const runs = this.#runs.slice(0, most).filter(({ lastSeq }) => lastSeq <= throughSeq)
    return runs.map(({ firstSeq }) => recordsKey(this.#uuid, firstSeq))
  }

  /** The batch with these removals is durable. */
  removed(keys: readonly Uint8Array[]): void {
    this.#runs.splice(0, keys.length)
  }

  /** Records leave with the manifest that covers them, in one batch. */
  async trim(): Promise<void> {}

  async confirm(): Promise<void> {
    await this.#group.write({ puts: [] })
  }

  async close(): Promise<null> {
    this.#closed = true
    while (this.#writing) await this.#writing
    return null
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#writeSome()
    // Without a pause after the last look: a record that arrives from here on begins another loop.
    this.#writing = null
  }

  async #writeSome(): Promise<void> {
    const taken = this.#take()
    this.#underWay = taken
    const [first, last] = [taken[0] as Queued, taken.at(-1) as Queued]
    const value = encodeRecords(this.#group.epoch, taken)
    try {
      await this.#group.write({ puts: [[recordsKey(this.#uuid, first.seq), value]] })
    } catch (cause) {
      this.#fail(cause as VicinalError, taken)
      return
    }
    this.#runs.push({ firstSeq: first.seq, lastSeq: last.seq, bytes: value.byteLength })
    this.#durableSeq = last.seq
    this.#underWay = []
    for (const queued of taken) {
      this.#bufferedBytes -= framedBytes(queued)
      queued.durable.resolve()
    }
  }

  #take(): Queued[] {
    return this.#queue.splice(0, countWithin(this.#queue, VALUE_BYTES, framedBytes))
  }

  /** Takes the numbers back. Unless the group has ended, it is known that the store has none of the records. */
  #fail(cause: VicinalError, taken: readonly Queued[]): void {
    const error = this.#group.failure === null ? cause : unknownOutcome(cause)
    if (this.#group.failure !== null) this.#failure = error
    for (const { durable } of [...taken, ...this.#queue.splice(0)]) durable.reject(error)
    this.#underWay = []
    this.#bufferedBytes = 0
    this.#lastSeq = this.#durableSeq
  }
}

function unknownOutcome(cause: VicinalError): VicinalError {
  return new VicinalError(
    'UNAVAILABLE',
    `whether the write is stored is not known: ${cause.message}; the log of this collection takes no more writes until it is opened again`,
    {
      details: cause.details,
      cause,
      ...(cause.retryAfterMs === undefined ? {} : { retryAfterMs: cause.retryAfterMs }),
    },
  )
}

export const whereOf = (uuid: string, seq: number) => `log of collection ${uuid}, record ${seq}`

/** A value must begin right after the one before it, and the first not after what the table has. */
function checkNext(uuid: string, before: number | null, firstSeq: number, flushedSeq: number): void {
  const isNext = before === null ? firstSeq <= flushedSeq + 1 : firstSeq === before + 1
  if (isNext) return
  const from = (before ?? flushedSeq) + 1
  throw new VicinalError(
    'CORRUPT',
    `${whereOf(uuid, firstSeq)}: records ${from} to ${firstSeq - 1} are missing before it`,
  )
}
