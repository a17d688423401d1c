import type { Awaitable } from '../core/awaitable.js'
import { VicinalError } from '../core/errors.js'

const RETRY_AFTER_MS = 100

/** Bounds how many reads run or wait in one database: past the bound they are refused at once, not queued. */
export class Admission {
  readonly #most: number
  #running = 0

  constructor(most: number) {
    this.#most = most
  }

  run<T>(work: () => Awaitable<T>): Awaitable<T> {
    if (this.#running >= this.#most) {
      throw new VicinalError('OVERLOADED', `too many searches at once: at most ${this.#most}`, {
        details: { bound: this.#most },
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    this.#running++
    let started: Awaitable<T> | undefined
    try {
      started = work()
    } finally {
      if (!(started instanceof Promise)) this.#running--
    }
    return started instanceof Promise ? this.#untilSettled(started) : started
  }

  async #untilSettled<T>(started: Promise<T>): Promise<T> {
    try {
      return await started
    } finally {
      this.#running--
    }
  }
}
