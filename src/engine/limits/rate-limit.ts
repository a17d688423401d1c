import { VicinalError } from '../../core/errors.js'
import { snakeCase } from '../../core/vocabulary/spelling.js'

const MINUTE_MS = 60_000
const PER_SECOND = 1_000

/** Bounds operations per minute with a token bucket that refills at an even pace. */
export class RateLimit {
  readonly #nowMs: () => number
  #most = 0
  #left = 0
  #atMs = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Takes an operation's cost, or throws OVERLOADED. A cost above the bound of a minute can never pass. */
  take(cost: number, most: number, field: string): void {
    this.check(cost, most, field)
    this.#left -= cost
  }

  /** Returns the cost of an operation that was not carried out. */
  giveBack(cost: number): void {
    this.#left = Math.min(this.#most, this.#left + cost)
  }

  /** Throws as `take` does, but takes nothing. */
  check(cost: number, most: number, field: string): void {
    const nowMs = this.#nowMs()
    if (most !== this.#most) {
      // A changed bound starts with a full bucket.
      this.#most = most
      this.#left = most
      this.#atMs = nowMs
    }
    this.#left = Math.min(most, this.#left + ((nowMs - this.#atMs) * most) / MINUTE_MS)
    this.#atMs = nowMs
    if (cost <= this.#left) return
    const name = snakeCase(field)
    const waitMs = ((cost - this.#left) * MINUTE_MS) / most
    const details = { field: `strictModeConfig.${field}`, bound: most, seen: cost }
    if (cost > most) {
      const what = `Rate limiting exceeded: an operation that costs ${cost} is above ${name} of ${most} per minute`
      throw new VicinalError('INVALID_ARGUMENT', `Bad request: ${what}. Help: Split it.`, { details })
    }
    const seconds = Math.ceil(waitMs / PER_SECOND)
    throw new VicinalError(
      'OVERLOADED',
      `Rate limiting exceeded: ${name} of ${most} operations per minute reached, retry after ${seconds}s`,
      { details, retryAfterMs: waitMs },
    )
  }
}
