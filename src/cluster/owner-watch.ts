import { createHash } from 'node:crypto'
import type { GroupOwner } from '../bucket/owner.js'
import type { Heartbeat } from './heartbeats.js'

/** Looks at the owner, in the time after which it counts as silent. */
export const POLLS = 4
/** A node that is not the first in order waits for so many looks more for each one before it. */
const POLLS_BETWEEN = 2
/** An owner that has opened the store has told of itself within so many looks. */
const POLLS_OF_LEAVING = 2

/** A node that says that it opens the store is waited for this long: so many time-outs, and so many openings as here. */
const CLAIM_TIMEOUTS = 2
const CLAIM_OPENINGS = 4
/** An opening that took longer counts as so many time-outs. */
const MOST_OPENING_TIMEOUTS = 2

/**
 * Whether a node should take the store from its owner: it was not heard, and its heartbeat has not changed, over several
 * looks that this node itself made. A node that was asleep has made none.
 */
export class OwnerWatch {
  readonly #id: string
  readonly #timeoutMs: number
  readonly #nowMs: () => number
  readonly #random: () => number
  #seen = ''
  #isHeard = false
  #polls = 0
  #sinceMs = 0
  #hasLeft = false
  /** Beats of the nodes that may take the store, as first seen in the present silence. */
  readonly #first = new Map<string, number>()
  readonly #alive = new Set<string>()
  /** Nodes that have said that they open the store of this epoch: their last beats, and since when they say it. */
  readonly #claims = new Map<string, { beat: number; sinceMs: number }>()
  #claimed = 0
  /** The time that the last opening of the store took here. */
  #openingMs = 0
  #notBeforeMs = 0
  /** Between 0 and 1; another one in each silence. */
  #jitter: number

  constructor(
    id: string,
    timeoutMs: number,
    nowMs: () => number = () => performance.now(),
    random: () => number = Math.random,
  ) {
    this.#id = id
    this.#timeoutMs = timeoutMs
    this.#nowMs = nowMs
    this.#random = random
    this.#jitter = random()
  }

  /** One look at an owner that was heard since the look before, and last at this time. */
  heard(atMs: number): void {
    this.#isHeard = true
    this.#restart('', atMs)
  }

  /** One look at the owner's heartbeat; null if it has none. */
  note(owner: GroupOwner, beat: Heartbeat | null): void {
    this.#hasLeft = beat === null || beat.epoch !== owner.epoch
    const seen = `${owner.epoch} ${this.#hasLeft ? 'left' : beat?.beat}`
    // The first heartbeat after the stream may be an old one, and is no sign of life.
    if (this.#isHeard) this.#seen = seen
    this.#isHeard = false
    if (seen === this.#seen) this.#polls++
    else this.#restart(seen, this.#nowMs())
  }

  #restart(seen: string, atMs: number): void {
    this.#seen = seen
    this.#polls = 0
    this.#sinceMs = atMs
    this.#first.clear()
    this.#alive.clear()
    this.#jitter = this.#random()
  }

  /** Whether the owner has been silent since the look before. Then the other nodes' heartbeats are of interest. */
  get isWaiting(): boolean {
    return this.#polls > 0
  }

  /** One look at all heartbeats. A node that is opening the store is waited for as an owner is. */
  noteOthers(beats: readonly Heartbeat[], { epoch }: Pick<GroupOwner, 'epoch'>): void {
    for (const { id, roles, beat } of beats) {
      if (!roles.includes('write')) continue
      const first = this.#first.get(id)
      if (first === undefined) this.#first.set(id, beat)
      else if (first !== beat) this.#alive.add(id)
    }
    if (this.openers(beats, epoch).length === 0) return
    this.#polls = 1
    this.#sinceMs = this.#nowMs()
  }

  /** The other nodes that are opening the store, by a heartbeat that is newer than at the last look. */
  openers(beats: readonly Heartbeat[], epoch: number): string[] {
    if (epoch !== this.#claimed) this.#claims.clear()
    this.#claimed = epoch
    const nowMs = this.#nowMs()
    const mostMs = CLAIM_TIMEOUTS * this.#timeoutMs + CLAIM_OPENINGS * this.#openingMs
    return beats
      .filter(({ id, opening }) => opening === epoch && id !== this.#id)
      .filter(({ id, beat }) => {
        const last = this.#claims.get(id)
        const sinceMs = last?.sinceMs ?? nowMs
        this.#claims.set(id, { beat, sinceMs })
        return beat !== last?.beat && nowMs - sinceMs < mostMs
      })
      .map(({ id }) => id)
  }

  noteOpening(tookMs: number): void {
    this.#openingMs = Math.min(tookMs, MOST_OPENING_TIMEOUTS * this.#timeoutMs)
  }

  /** This node was fenced: the one that did it has a full time-out for itself. */
  standBack(): void {
    this.#notBeforeMs = this.#nowMs() + this.#timeoutMs
  }

  /** Tells whether this node may open the store now. A node that the store names as its owner waits for no silence. */
  isDue({ epoch, node }: Pick<GroupOwner, 'epoch' | 'node'>): boolean {
    const nowMs = this.#nowMs()
    if (nowMs < this.#notBeforeMs) return false
    if (node === this.#id) return true
    const before = ranked([...this.#alive, this.#id], epoch).indexOf(this.#id)
    const polls = this.#hasLeft ? POLLS_OF_LEAVING : POLLS
    if (this.#polls < polls + before * POLLS_BETWEEN) return false
    const pollMs = this.#timeoutMs / POLLS
    const betweenMs = Math.max(POLLS_BETWEEN * pollMs, this.#openingMs)
    const jitterMs = before === 0 ? 0 : this.#jitter * pollMs
    return nowMs - this.#sinceMs >= polls * pollMs + before * betweenMs + jitterMs
  }
}

/** The order in which nodes take a store after this epoch: rendezvous hashing, so that all agree without a word. */
export function ranked(ids: readonly string[], epoch: number): string[] {
  const weight = (id: string) => createHash('sha256').update(`${epoch} ${id}`).digest('hex')
  return [...new Set(ids)].sort((a, b) => (weight(a) < weight(b) ? -1 : 1))
}
