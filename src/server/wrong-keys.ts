/**
 * Counts wrong keys by address, in the main thread only: other serving threads forward a request whose key they do not
 * know. A right key is never looked up here.
 */
import { isIPv6 } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { VicinalError } from '../core/errors.js'
import { MinuteCounts } from './minute-counts.js'

/** Wrong keys allowed from one address within a minute; further ones get 429. */
export const MOST_WRONG_KEYS = 100
/** Most addresses with a count. Past it, the least recently counted address is removed. */
const MOST_ADDRESSES = 10_000
const MAPPED = '::ffff:'
const HEXTETS = 8
/** A host usually gets at least a /64, so each /64 counts as one address. */
const NETWORK_HEXTETS = 4

export class WrongKeys {
  readonly #log: () => FastifyBaseLogger
  readonly #counts: MinuteCounts

  constructor(log: () => FastifyBaseLogger) {
    this.#log = log
    this.#counts = new MinuteCounts({
      mostNames: MOST_ADDRESSES,
      onOver: (peer, wrongKeys) => {
        if (wrongKeys > MOST_WRONG_KEYS) this.#log().warn({ peer, wrongKeys }, 'wrong API keys within a minute')
      },
    })
  }

  /** The error for a request with a wrong key: its own, or that there were too many. */
  answerTo(error: VicinalError, address: string | undefined): VicinalError {
    const peer = networkOf(address ?? '')
    const count = this.#counts.add(peer)
    if (count <= MOST_WRONG_KEYS) return error
    if (count === MOST_WRONG_KEYS + 1) {
      this.#log().warn({ peer }, `more than ${MOST_WRONG_KEYS} wrong API keys within a minute: further ones get 429`)
    }
    return new VicinalError(
      'OVERLOADED',
      `Too many wrong API keys: at most ${MOST_WRONG_KEYS} within a minute from one address`,
      { retryAfterMs: this.#counts.msLeft },
    )
  }

  end(): void {
    this.#counts.end()
  }
}

/** The address; for IPv6 its network. */
export function networkOf(address: string): string {
  if (address.startsWith(MAPPED)) return address.slice(MAPPED.length)
  if (!isIPv6(address)) return address
  const [left = '', right = ''] = address.replace(/%.*$/, '').split('::')
  const hextets = left === '' ? [] : left.split(':')
  const behind = right === '' ? [] : right.split(':')
  while (hextets.length < HEXTETS - behind.length) hextets.push('0')
  return `${[...hextets, ...behind].slice(0, NETWORK_HEXTETS).join(':')}::/64`
}
