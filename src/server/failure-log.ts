/** Logs failed requests at the level that fits the failure. Failures that clients can cause or repeat at will are sampled. */
import type { FastifyBaseLogger } from 'fastify'
import type { VicinalError } from '../core/errors.js'
import { MinuteCounts } from './minute-counts.js'
import { networkOf } from './wrong-keys.js'

const SAMPLED_CODES = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'MISDIRECTED_HOST'])
/** Pairs of address and code that get a line of their own within a minute. */
const MOST_SAMPLED = 10_000
/** Messages of failures that pass by themselves, likewise. */
const MOST_MESSAGES = 1_000

export class FailureLog {
  readonly #log: () => FastifyBaseLogger
  /** Keyed by code and address. */
  readonly #refused: MinuteCounts
  /** Failures that pass by themselves, keyed by message: clients ask again and again until they have passed. */
  readonly #passing: MinuteCounts

  constructor(log: () => FastifyBaseLogger, windowMs?: number) {
    const window = windowMs === undefined ? {} : { windowMs }
    this.#log = log
    this.#passing = new MinuteCounts({
      mostNames: MOST_MESSAGES,
      onOver: (message, count) => {
        if (count > 1) this.#log().warn({ count }, `within a minute: ${message}`)
      },
      ...window,
    })
    this.#refused = new MinuteCounts({
      mostNames: MOST_SAMPLED,
      onOver: (name, count) => {
        const [code, peer] = name.split(' ')
        if (count > 1) this.#log().warn({ code, peer, count }, 'refused within a minute')
      },
      ...window,
    })
  }

  /** `cause` is the original error. `peer` is the address that may be responsible. */
  note(facts: object, { known, cause, peer }: { known: VicinalError; cause: unknown; peer: string | undefined }): void {
    if (known.code === 'NOT_IMPLEMENTED') return
    if (known.status >= 500 && known.retryable) {
      if (this.#passing.add(known.message) === 1) this.#log().warn(facts, known.message)
    } else if (known.status >= 500) this.#log().error({ ...facts, err: cause }, known.message)
    else if (SAMPLED_CODES.has(known.code) && this.#refused.add(`${known.code} ${networkOf(peer ?? '')}`) === 1) {
      this.#log().warn({ ...facts, peer }, 'refused')
    }
  }

  end(): void {
    this.#passing.end()
    this.#refused.end()
  }
}
