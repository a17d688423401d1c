import { VicinalError } from '../core/errors.js'

const RETRY_AFTER_MS = 100

/** Bounds how many reads run or wait in one database: past the bound they are refused at once, not queued. */
export class Admission {
  readonly #most: number
  #running = 0

  constructor(most: number) {
    this.#most = most
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) {
      throw new VicinalError('OVERLOADED', `too many searches at once: at most ${this.#most}`, {
        details: { bound: this.#most },
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
    }
  }
}
