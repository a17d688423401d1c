/**
 * Bounds the work in progress of all serving threads together. A request past its kind's bound is refused at its head.
 * Body bytes are counted as they arrive. A body waits unread while too many bytes are in work (arriving-body.ts).
 */
import { VicinalError } from '../core/errors.js'
import { type BodyBudget, type Budget, Budgets, type Caller, type Full, sharedBudgets, shareOf } from './budgets.js'

/** The kind of a request: `light` ones (health, metrics) are never refused. */
export type Work = 'light' | 'read' | 'write'

const RETRY_AFTER_MS = 1000
/**
 * A whole message of a stream is in memory before it is parsed. A stream therefore counts as one message of this size.
 */
export const MOST_MESSAGE_BYTES = 512 * 1024

export interface PlaceBounds {
  maxConcurrentReads: number
  maxConcurrentWrites: number
  /** Bytes of read bodies; the same bound applies to write bodies separately. */
  maxBodyBytesInWork: number
  maxAnswerBytesInWork: number
}

/** The counters of all threads, and the number of this thread's row. */
export interface BudgetRow {
  cells: Int32Array
  row: number
}

export class Places {
  readonly budgets: Budgets

  /**
   * `bodyBytesLimit` returns the bytes that a memory limit leaves to bodies of either kind. It is called for each
   * check.
   */
  constructor(
    bounds: PlaceBounds,
    { cells, row }: BudgetRow = { cells: sharedBudgets(1), row: 0 },
    bodyBytesLimit: () => number = () => Number.POSITIVE_INFINITY,
  ) {
    const { maxConcurrentReads, maxConcurrentWrites, maxBodyBytesInWork, maxAnswerBytesInWork } = bounds
    const fixed: Partial<Record<Budget, number>> = {
      reads: maxConcurrentReads,
      writes: maxConcurrentWrites,
      streams: Math.max(1, Math.floor(maxBodyBytesInWork / MOST_MESSAGE_BYTES)),
      answerBytes: maxAnswerBytesInWork,
    }
    const boundOf = (budget: Budget) => fixed[budget] ?? Math.min(maxBodyBytesInWork, bodyBytesLimit())
    this.budgets = new Budgets(cells, row, boundOf)
  }

  /** Requests in work on this thread. */
  get inWork(): number {
    return this.budgets.own('reads') + this.budgets.own('writes')
  }

  /** Takes a place, or throws OVERLOADED. */
  enter(work: Work, caller: Caller): void {
    if (work !== 'light') this.#take(placesOf(work), 1, caller, `${work}s`)
  }

  leave(work: Work, caller: Caller): void {
    if (work !== 'light') this.budgets.give(placesOf(work), 1, caller)
  }

  /** Takes a place for a stream, or throws OVERLOADED. */
  open(caller: Caller): void {
    this.#take('streams', 1, caller, 'streams')
  }

  closed(caller: Caller): void {
    this.budgets.give('streams', 1, caller)
  }

  /** Takes a place and the bytes of a stream's message, or throws OVERLOADED. The returned function gives them back. */
  enterMessage(bytes: number, caller: Caller): () => void {
    this.enter('read', caller)
    try {
      this.#take('readBytes', bytes, caller, 'bytes of messages and bodies of reads')
    } catch (error) {
      this.leave('read', caller)
      throw error
    }
    return () => {
      this.budgets.give('readBytes', bytes, caller)
      this.leave('read', caller)
    }
  }

  /** Counts the parsed values of a stream's message, or throws OVERLOADED. The returned function gives them back. */
  takeMessageValues(bytes: number, caller: Caller): () => void {
    this.#take('readBytes', bytes, caller, 'bytes of bodies of reads and of their values')
    return () => this.budgets.give('readBytes', bytes, caller)
  }

  /**
   * Counts a large answer until it is sent, or throws OVERLOADED. The returned function gives it back. The bytes are
   * those of the rows in memory, because text is made of them piece by piece. Below a memory limit the same rows have
   * reserved room before they were read (engine/memory/answer-room.ts). That bounds the process's memory; this bounds
   * the answers that slow clients keep in memory.
   */
  takeAnswer(bytes: number, caller: Caller): () => void {
    // A caller's only large answer always passes, so that it cannot be refused for ever.
    const isOnly =
      caller === null ? this.budgets.sum('answerBytes') === 0 : this.budgets.sum('answerBytes', caller) === 0
    if (isOnly) this.budgets.add('answerBytes', bytes, caller)
    else this.#take('answerBytes', bytes, caller, 'bytes of large answers')
    return () => this.budgets.give('answerBytes', bytes, caller)
  }

  #take(budget: Budget, amount: number, caller: Caller, what: string): void {
    const full = this.budgets.take(budget, amount, caller)
    if (full !== null) throw overloaded(full, this.budgets.bound(budget), what)
  }
}

export function overloaded(full: Full, bound: number, what: string): VicinalError {
  const most = full === 'share' ? `${shareOf(bound)} ${what} of one caller` : `${bound} ${what}`
  return new VicinalError('OVERLOADED', `Too many requests: at most ${most} at once`, { retryAfterMs: RETRY_AFTER_MS })
}

export function bodyBudgetOf(work: Work): BodyBudget {
  return work === 'write' ? 'writeBytes' : 'readBytes'
}

function placesOf(work: Work): 'reads' | 'writes' {
  return work === 'write' ? 'writes' : 'reads'
}
