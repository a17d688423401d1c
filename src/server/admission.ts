/**
 * Bounds on what is in work at once, in all threads that serve together. A request past the bound of its kind is refused at its
 * head. The bytes of its body are counted as they arrive, and a body waits, unread, while there are too many (arriving-body.ts).
 */
import { VicinalError } from '../core/errors.js'
import { type BodyBudget, type Budget, Budgets, type Caller, type Full, sharedBudgets, shareOf } from './budgets.js'

/** The kind of a request: `light` ones (health, metrics) are never refused. */
export type Work = 'light' | 'read' | 'write'

const RETRY_AFTER_MS = 1000
/** A message of a stream is in memory before anything is known of it; a stream counts as one of the largest. */
export const MOST_MESSAGE_BYTES = 512 * 1024

export interface AdmissionBounds {
  maxConcurrentReads: number
  maxConcurrentWrites: number
  /** Of bodies of reads, and as many again of bodies of writes. */
  maxBodyBytesInWork: number
  maxAnswerBytesInWork: number
}

/** The rows of all threads, and the number of this thread's. */
export interface BudgetRow {
  cells: Int32Array
  row: number
}

export class Admission {
  readonly budgets: Budgets

  /** `bodyBytesLimit`: the bytes that a limit of memory leaves to bodies of either kind, asked for each time. */
  constructor(
    bounds: AdmissionBounds,
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

  /** Of this thread. */
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

  /** The same of a stream. */
  open(caller: Caller): void {
    this.#take('streams', 1, caller, 'streams')
  }

  closed(caller: Caller): void {
    this.budgets.give('streams', 1, caller)
  }

  /** A place for a message of a stream, whose bytes are all there; the returned function gives them back. Or throws OVERLOADED. */
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

  /** Counts the values that a message of a stream becomes; the returned function gives them back. Or throws OVERLOADED. */
  takeMessageValues(bytes: number, caller: Caller): () => void {
    this.#take('readBytes', bytes, caller, 'bytes of bodies of reads and of their values')
    return () => this.budgets.give('readBytes', bytes, caller)
  }

  /**
   * Counts a large answer until it is taken off; the returned function gives it back. Throws OVERLOADED. Its bytes are those of the
   * rows in memory: text is made of them a piece at a time. Below a limit of memory the same rows have asked for room before they
   * were read (engine/memory/answer-room.ts): that bounds what the process takes, and this what slow readers keep.
   */
  takeAnswer(bytes: number, caller: Caller): () => void {
    // A caller's only one always passes, so that none is refused for ever.
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
