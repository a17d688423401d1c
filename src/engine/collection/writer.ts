import type { CallNotes } from '../../core/call-notes.js'
import type { WriteOptions, WriteResult } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import { innerOf } from '../../core/inner-call.js'
import { LIMITS } from '../../core/limits.js'
import { Mutex } from '../../core/mutex.js'
import type { Stoppable } from '../../core/stop.js'
import { workTimes } from '../../core/work-times.js'
import type { Appended, Log } from '../../log/log.js'
import type { LogRecord } from '../../log/record.js'
import type { Shard } from '../../native/shard.js'
import type { VectorIdentity } from '../../storage/table-layout.js'
import { overloaded } from '../limits/overloaded.js'
import { applyRecord } from './apply.js'
import type { WritePlan } from './plans.js'
import type { Sources } from './sources.js'

export interface WriterParts {
  readonly shard: Shard
  readonly vectors: readonly VectorIdentity[]
  log: Log
  sources: Sources
  /**
   * Called once when the log exceeds its bound, and again only after it resolved: a flush makes room. Never rejects.
   */
  onLogFull(): Promise<void>
  /** Called when a write was lost, whether or not a caller waited for it. */
  onLost(): void
}

/**
 * The single writer of a collection. Writes take turns to be numbered and appended. One fdatasync then serves all that
 * wait, and the kernel applies them in order: a waited write once it is durable, so that a refused one is never seen; one
 * with `wait: false` once the operating system has it. Every write is thus visible when it is acknowledged, and a plan that
 * reads the state sees every earlier write. Tables and segment files wait for the fdatasync (flusher.ts), so that no file
 * gets ahead of the log.
 */
export class Writer {
  readonly #parts: WriterParts
  #waiting = 0
  /** Held while a write is numbered and appended. */
  readonly #appending = new Mutex()
  /** Settles when the write appended last is applied or known to be lost. */
  #applied: Promise<unknown> = Promise.resolve()
  /** Set when a record of the log could not be applied: memory and log disagree until the next open. */
  #broken: VicinalError | null = null
  /** One flush at a time, however many writes find the log full. */
  #makingRoom: Promise<void> | null = null

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /** The reason why the collection takes no writes until it is opened again; null while it takes them. */
  get broken(): VicinalError | null {
    return this.#broken
  }

  /** Writes that are not answered yet. */
  get waiting(): number {
    return this.#waiting
  }

  /** Returns null and writes nothing if the plan's shard was replaced before its turn came. */
  async write(
    plan: WritePlan,
    options: WriteOptions,
    scope: Stoppable,
    isPresent: () => boolean = () => true,
  ): Promise<WriteResult | null> {
    this.admit()
    const isAwaited = options.wait !== false
    this.#waiting++
    try {
      const notes = innerOf(options)?.notes ?? null
      const queuedMs = performance.now()
      const appended = await this.#appending.run(() => {
        const startMs = performance.now()
        workTimes.note('write_wait', startMs - queuedMs)
        notes?.span('turn', queuedMs, startMs)
        return isPresent() ? this.#append(plan, isAwaited, scope, notes) : null
      })
      if (appended === null) return null
      const { seq, applied } = appended
      const deleted = await applied
      const { watermark } = this.#parts.log
      const marked = watermark === undefined ? {} : { watermark }
      if (!isAwaited) return { operationId: seq, status: 'acknowledged', ...marked }
      return { operationId: seq, status: 'completed', ...(deleted === undefined ? {} : { deleted }), ...marked }
    } finally {
      this.#waiting--
    }
  }

  /** Resolves when every write begun so far is applied or lost. */
  async drain(): Promise<void> {
    await this.#appending.idle()
    await this.#applied.catch(() => undefined)
  }

  /** Runs work while no write is being applied, with every earlier write applied and durable. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await this.#appending.run(async () => {
      await this.#applied.catch(() => undefined)
      const { log } = this.#parts
      await log.durable(log.lastSeq).catch(() => undefined)
      return await work()
    })
  }

  /** Throws OVERLOADED while a write would find no room. */
  admit(): void {
    if (this.#broken) throw this.#broken
    if (this.#waiting >= LIMITS.queuedWrites)
      throw overloaded('writes wait for the log', LIMITS.queuedWrites, this.#waiting)
    const tailBytes = this.#parts.shard.tailBytes()
    if (tailBytes > LIMITS.tailBytes)
      throw overloaded('bytes of vectors wait for the graph', LIMITS.tailBytes, tailBytes)
    const logBytes = this.#parts.log.bytes
    if (logBytes > LIMITS.logBytes) {
      this.#makingRoom ??= this.#parts.onLogFull().finally(() => {
        this.#makingRoom = null
      })
      throw overloaded('bytes of log wait for the table', LIMITS.logBytes, logBytes)
    }
  }

  async #append(
    plan: WritePlan,
    isAwaited: boolean,
    scope: Stoppable,
    notes: CallNotes | null,
  ): Promise<{ seq: number; applied: Promise<number | undefined> }> {
    if (plan.needsState) await this.#applied.catch(() => undefined)
    const record = await resolved(plan, scope)
    if (this.#broken) throw this.#broken
    const { log } = this.#parts
    if (record === null) {
      const earlier = this.#applied.catch(() => undefined)
      const applied = earlier.then(async () => {
        await log.confirm?.()
        return plan.isDelete ? 0 : undefined
      })
      return { seq: log.lastSeq, applied }
    }
    // After a failed append the log has taken its numbers back.
    const seq = log.lastSeq + 1
    const entry = log.append(seq, record)
    if (notes) noteLog(notes, entry)
    const source = record.op === 'upsert' ? record.source : undefined
    const given = source && this.#parts.sources.give(seq, source)
    const applied = this.#applied
      .catch(() => undefined)
      .then(async () => {
        await (isAwaited ? entry.durable : entry.written)
        const startMs = performance.now()
        const deleted = await this.#apply(seq, record)
        notes?.span('apply', startMs, performance.now())
        if (source) this.#parts.sources.apply(source)
        return deleted
      })
    this.#applied = applied
    Promise.all([applied, entry.durable]).catch(() => {
      if (given) this.#parts.sources.takeBack(given)
      this.#parts.onLost()
    })
    return { seq, applied }
  }

  /** A delete resolves to the number of points removed. */
  async #apply(seq: number, record: LogRecord): Promise<number | undefined> {
    try {
      return await applyRecord(this.#parts.shard, this.#parts.vectors, seq, record)
    } catch (cause) {
      this.#broken = new VicinalError(
        'INTERNAL',
        `write ${seq} is in the log but could not be applied; it will be applied when the collection is opened again`,
        { cause },
      )
      throw this.#broken
    }
  }
}

/** Notes how long the record took into the log, and from there onto stable storage. */
function noteLog(notes: CallNotes, { written, durable }: Appended): void {
  const startMs = performance.now()
  let writtenMs = startMs
  const onWritten = () => {
    writtenMs = performance.now()
    notes.span('log', startMs, writtenMs)
  }
  written.then(onWritten).catch(() => undefined)
  durable.then(() => notes.span('fsync', writtenMs, performance.now())).catch(() => undefined)
}

/** Nothing is in the log yet, so the write can still be given up. */
async function resolved(plan: WritePlan, scope: Stoppable): Promise<LogRecord | null> {
  const reason = (error: unknown) => (scope.isStopped ? scope.reason : error)
  const record = await Promise.resolve(plan.resolve(scope)).catch((error: unknown) => {
    throw reason(error)
  })
  if (scope.isStopped) throw scope.reason
  return record
}
