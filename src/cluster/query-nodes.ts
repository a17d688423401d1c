import { type Heartbeat, isAddress } from './heartbeats.js'
import { PeerForwarder, unavailable } from './peer-forwarder.js'

interface Seen {
  beat: Heartbeat
  /** When its heartbeat was last seen to be another one, or first. */
  changedMs: number
}

/** The nodes that answer reads for one with the role `write` alone, in turn. */
export class QueryNodes {
  readonly #key: string
  readonly #aliveMs: number
  readonly #seen = new Map<string, Seen>()
  readonly #forwarders = new Map<string, PeerForwarder>()
  #turn = 0

  /** A node whose heartbeat does not change for `aliveMs` is not asked. */
  constructor(key: string, aliveMs: number) {
    this.#key = key
    this.#aliveMs = aliveMs
  }

  /** One look at all heartbeats. */
  note(beats: readonly Heartbeat[]): void {
    const able = beats.filter(({ roles, url }) => roles.includes('query') && isAddress(url))
    for (const id of this.#seen.keys()) if (!able.some((beat) => beat.id === id)) this.#forget(id)
    for (const beat of able) {
      if (this.#seen.get(beat.id)?.beat.beat !== beat.beat)
        this.#seen.set(beat.id, { beat, changedMs: performance.now() })
    }
  }

  /** Throws UNAVAILABLE if no node with the role `query` is alive. */
  next(): PeerForwarder {
    const since = performance.now() - this.#aliveMs
    const alive = [...this.#seen.values()].filter(({ changedMs }) => changedMs >= since)
    const chosen = alive[this.#turn++ % alive.length]
    if (!chosen || this.#key === '')
      throw unavailable('this node has the role write alone, and knows of no node with the role query')
    const { id, url } = chosen.beat
    const forwarder =
      this.#forwarders.get(id) ??
      new PeerForwarder(
        { id, url },
        {
          key: this.#key,
          name: 'the node that answers reads',
          reach: async () => {},
          // It is not asked again before its next heartbeat.
          onFailure: (hasAnswered) => {
            if (!hasAnswered) chosen.changedMs = Number.NEGATIVE_INFINITY
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

/** The path of a read that sees at least what the forwarding node has acknowledged. */
export function readAfter(path: string, watermark: string): string {
  const url = new URL(path, 'http://node')
  if (!url.searchParams.has('after')) url.searchParams.set('after', watermark)
  return url.pathname + url.search
}
