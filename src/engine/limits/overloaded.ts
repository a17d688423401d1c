import { VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Mutex } from '../../core/mutex.js'

const RETRY_AFTER_MS = 1_000

/** `cause`: why the work that makes room has failed. Without it room is on its way. */
export function overloaded(what: string, bound: number, seen: number, cause?: Error): VicinalError {
  const why = cause ? ` (${cause.message})` : ''
  return new VicinalError('OVERLOADED', `too many ${what}: at most ${bound}, got ${seen}${why}`, {
    details: { bound, seen },
    retryAfterMs: RETRY_AFTER_MS,
    ...(cause ? { cause } : {}),
  })
}

/** Changes that callers ask for run one after the other; OVERLOADED where too many wait. `what` names them. */
export async function queuedChange<T>(mutex: Mutex, what: string, work: () => Promise<T>): Promise<T> {
  if (mutex.pending >= LIMITS.queuedChanges) throw overloaded(`${what} wait`, LIMITS.queuedChanges, mutex.pending)
  return await mutex.run(work)
}

/** Runs a bounded number of tasks at once. Further tasks wait in order; past a second bound they are refused. */
export class Queue {
  readonly #what: string
  readonly #atOnce: number
  readonly #mostWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** The error that refuses a task names the tasks by `what`. */
  constructor(what: string, atOnce: number, mostWaiting: number) {
    this.#what = what
    this.#atOnce = atOnce
    this.#mostWaiting = mostWaiting
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) await this.#turn()
    else this.#running++
    try {
      return await work()
    } finally {
      // The next waiting task takes the place; without one, the place is free.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }

  async #turn(): Promise<void> {
    if (this.#waiting.length >= this.#mostWaiting) {
      throw new VicinalError('OVERLOADED', `too many ${this.#what} at once: at most ${this.#mostWaiting} wait`, {
        details: { bound: this.#mostWaiting },
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
