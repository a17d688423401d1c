import { VicinalError } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'

const RETRY_AFTER_MS = 100

/**
 * Bounds the number of reads that run or wait in one database. A read past the bound is refused at once, not queued.
 */
export class ConcurrentSearches {
  readonly #most: number
  #running = 0

  constructor(most: number) {
    this.#most = most
  }

  run<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#running >= this.#most) {
      throw new VicinalError('OVERLOADED', `too many searches at once: at most ${this.#most}`, {
        details: { bound: this.#most },
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    this.#running++
    let started: MaybePromise<T> | undefined
    try {
      started = work()
    } finally {
      if (!(started instanceof Promise)) this.#running--
    }
    return started instanceof Promise ? started.then(this.#leave, this.#fail) : started
  }

  readonly #leave = <T>(value: T): T => {
    this.#running--
    return value
  }

  readonly #fail = (error: unknown): never => {
    this.#running--
    throw error
  }
}
