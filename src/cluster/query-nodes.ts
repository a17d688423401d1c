import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Heartbeat, isAddress } from './heartbeats.js'
import { KeptBody } from './kept-body.js'
import { PeerForwarder, unavailable } from './peer-forwarder.js'

interface Seen {
  beat: Heartbeat
  /** When its heartbeat was last seen to be another one, or first. */
  changedMs: number
  /** Its last answer to a read, since its last heartbeat. */
  state: 'able' | 'refuses' | 'silent'
  failedMs: number
}

/** The nodes that answer reads for one with the role `write` alone, in turn. */
export class QueryNodes {
  readonly #key: string
  readonly #aliveMs: number
  readonly #failedMs: number
  readonly #seen = new Map<string, Seen>()
  readonly #forwarders = new Map<string, PeerForwarder>()
  #turn = 0

  /**
   * A node whose heartbeat does not change for `aliveMs` is not asked. One that did not answer is asked again after a new
   * heartbeat, or after `failedMs` where no other one is left.
   */
  constructor(key: string, aliveMs: number, failedMs: number) {
    this.#key = key
    this.#aliveMs = aliveMs
    this.#failedMs = failedMs
  }

  /** Whether any node with the role `query` is known. */
  get isAny(): boolean {
    return this.#alive().length > 0
  }

  /** One look at all heartbeats. `ageMs`: how old each is. */
  note(beats: readonly (Heartbeat & { ageMs: number })[]): void {
    const able = beats.filter(({ roles, url }) => roles.includes('query') && isAddress(url))
    for (const id of this.#seen.keys()) if (!able.some((beat) => beat.id === id)) this.#forget(id)
    for (const beat of able) {
      if (this.#seen.get(beat.id)?.beat.beat !== beat.beat)
        this.#seen.set(beat.id, { beat, changedMs: performance.now() - beat.ageMs, state: 'able', failedMs: 0 })
    }
  }

  /** Throws UNAVAILABLE if no node with the role `query` is alive. A read that one does not answer is sent to another. */
  forward(request: FastifyRequest, reply: FastifyReply, refuse: (error: Error) => void, path: string): void {
    const first = this.#next()
    if (!first) throw unavailable('this node has the role write alone, and knows of no node with the role query')
    const another = () => {
      const next = this.#next(first)
      return next && this.#forwarder(next)
    }
    this.#forwarder(first).forward(request, reply, refuse, { path, body: new KeptBody(request.raw), another })
  }

  /** The node whose turn it is, and not `other`. One that refused a read is asked where no other one is left. */
  #next(other?: Seen): Seen | null {
    if (this.#key === '') return null
    const alive = this.#alive().filter((one) => one !== other)
    const able = alive.filter(({ state }) => state === 'able')
    const isWorthIt = ({ state, failedMs }: Seen) =>
      state === 'refuses' || performance.now() - failedMs > this.#failedMs
    const chosen = able.length > 0 ? able : alive.filter(isWorthIt)
    return chosen[this.#turn++ % chosen.length] ?? null
  }

  #alive(): Seen[] {
    const since = performance.now() - this.#aliveMs
    return [...this.#seen.values()].filter(({ changedMs }) => changedMs >= since)
  }

  #forwarder({ beat: { id, url } }: Seen): PeerForwarder {
    const found = this.#forwarders.get(id)
    if (found) return found
    const forwarder = new PeerForwarder(
      { id, url },
      {
        key: this.#key,
        name: 'the node that answers reads',
        reach: async () => {},
        onFailure: (hasAnswered) => {
          const seen = this.#seen.get(id)
          if (seen) Object.assign(seen, { state: hasAnswered ? 'refuses' : 'silent', failedMs: performance.now() })
        },
      },
    )
    this.#forwarders.set(id, forwarder)
    return forwarder
  }

  close(): void {
    for (const id of [...this.#seen.keys()]) this.#forget(id)
  }

  #forget(id: string): void {
    this.#seen.delete(id)
    this.#forwarders.get(id)?.close()
    this.#forwarders.delete(id)
  }
}

/** The path of a read that sees all writes that the forwarding node has acknowledged. */
export function readAfter(path: string, watermark: string): string {
  const url = new URL(path, 'http://node')
  if (!url.searchParams.has('after')) url.searchParams.set('after', watermark)
  return url.pathname + url.search
}
