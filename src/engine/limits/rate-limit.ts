import { VicinalError } from '../../core/errors.js'

const MINUTE_MS = 60_000
const PER_SECOND = 1_000

/** Bounds operations per minute with a token bucket that refills at an even pace. Its wording is Qdrant's. */
export class RateLimit {
  readonly #kind: 'Read' | 'Write'
  readonly #nowMs: () => number
  #setting: object | null = null
  #most = 0
  #left = 0
  #atMs = 0

  constructor(kind: 'Read' | 'Write', nowMs: () => number) {
    this.#kind = kind
    this.#nowMs = nowMs
  }

  /**
   * Takes an operation's cost. Throws OVERLOADED, or TOO_LARGE for a cost above the bound of a minute. The bucket is full
   * at first, and whenever strict mode was set: `setting` is its present configuration.
   */
  take(cost: number, most: number, setting: object): void {
    this.check(cost, most, setting)
    this.#left -= cost
  }

  /** Goes on with the bucket as it is, for a collection that was closed and opened: `setting` is the same as before. */
  continue(setting: object): void {
    if (this.#setting) this.#setting = setting
  }

  /** Returns the cost of an operation that was not carried out. */
  giveBack(cost: number): void {
    this.#left = Math.min(this.#most, this.#left + cost)
  }

  /** Throws as `take` does, but takes nothing. */
  check(cost: number, most: number, setting: object): void {
    const nowMs = this.#nowMs()
    if (setting !== this.#setting) {
      this.#setting = setting
      this.#most = most
      this.#left = most
      this.#atMs = nowMs
    }
    this.#left = Math.min(most, this.#left + ((nowMs - this.#atMs) * most) / MINUTE_MS)
    this.#atMs = nowMs
    if (cost <= this.#left) return
    const what = `${this.#kind} rate limit exceeded`
    const details = { field: `strictModeConfig.${this.#kind.toLowerCase()}RateLimit`, bound: most, seen: cost }
    if (cost > most) {
      const help = 'request larger than rate limiter capacity, please try to split your request'
      throw new VicinalError('TOO_LARGE', `${what}, ${help}`, { details, status: 429 })
    }
    const retryAfterMs = ((cost - this.#left) * MINUTE_MS) / most
    const available = `Operation requires ${cost} tokens but only ${this.#left.toFixed(1)} were available`
    const seconds = Math.ceil(retryAfterMs / PER_SECOND)
    throw new VicinalError('OVERLOADED', `${what}: ${available}. Retry after ${seconds}s`, { details, retryAfterMs })
  }
}
