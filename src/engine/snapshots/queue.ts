import { VicinalError } from '../../core/errors.js'

const RETRY_AFTER_MS = 1_000

/** Work of which only so much is done at a time. More waits its turn; past a bound it is refused. */
export class Queue {
  readonly #what: string
  readonly #atOnce: number
  readonly #mostWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** `what`: of what there are too many, where there are. */
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
      // The place goes to who is next, or is free.
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
