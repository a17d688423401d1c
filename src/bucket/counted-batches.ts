/**
 * The rule by which a batch counts: its durable answer comes within half of `minAgeMs` of the *start* of the last
 * counted batch, on the monotonic clock and on the wall clock.
 *
 * SlateDB removes objects of its log once they are `minAgeMs` old (slatedb issues 352 and 1622). Without the rule a
 * writer that was paused may then create the very object that should have fenced it. With the rule the fence of a later
 * opening is still there when the paused writer goes on. The fence was written after the last counted batch, and is
 * therefore younger than half of `minAgeMs` for every batch that counts. A suspended machine stops the monotonic clock,
 * and a clock that is set stops the other.
 */
export class CountedBatches {
  readonly #boundMs: number
  readonly #now: () => Moment
  #last: Moment

  /** The opening is the first of them; `began` is its start. */
  constructor(minAgeMs: number, began: Moment, now: () => Moment = moment) {
    this.#boundMs = minAgeMs / 2
    this.#now = now
    this.#last = began
  }

  /** No batch counts whose answer comes later than this, however early it began. */
  get leftMs(): number {
    return Math.max(0, this.#boundMs - (this.#now().monotonicMs - this.#last.monotonicMs))
  }

  /** A batch that began then has its durable answer now. False if it does not count. */
  counts(began: Moment): boolean {
    const now = this.#now()
    const isLate =
      now.monotonicMs - this.#last.monotonicMs > this.#boundMs ||
      Math.abs(now.wallMs - this.#last.wallMs) > this.#boundMs
    if (isLate) return false
    this.#last = began
    return true
  }
}

export interface Moment {
  monotonicMs: number
  wallMs: number
}

export function moment(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() }
}
