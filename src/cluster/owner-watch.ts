import { createHash } from 'node:crypto'
import type { GroupOwner } from '../bucket/owner.js'
import type { Heartbeat } from './heartbeats.js'

/** Looks at the owner, in the time after which it counts as silent. */
export const POLLS = 4
/** A node that is not the first in order waits for so many looks more for each one before it. */
const POLLS_BETWEEN = 2
/** An owner that has opened the store has told of itself within so many looks. */
const POLLS_OF_LEAVING = 2

/**
 * Whether a node should take the store from its owner: it was not heard, and its heartbeat has not changed, over several
 * looks that this node itself made. A node that was asleep has made none.
 */
export class OwnerWatch {
  readonly #id: string
  readonly #timeoutMs: number
  readonly #nowMs: () => number
  #seen = ''
  #isHeard = false
  #polls = 0
  #sinceMs = 0
  #hasLeft = false
  /** Beats of the nodes that may take the store, as first seen in the present silence. */
  readonly #first = new Map<string, number>()
  readonly #alive = new Set<string>()

  constructor(id: string, timeoutMs: number, nowMs: () => number = () => performance.now()) {
    this.#id = id
    this.#timeoutMs = timeoutMs
    this.#nowMs = nowMs
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
  }

  /** Whether the owner has been silent since the look before. Then the other nodes' heartbeats are of interest. */
  get isWaiting(): boolean {
    return this.#polls > 0
  }

  /** One look at all heartbeats. */
  noteOthers(beats: readonly Heartbeat[]): void {
    for (const { id, roles, beat } of beats) {
      if (!roles.includes('write')) continue
      const first = this.#first.get(id)
      if (first === undefined) this.#first.set(id, beat)
      else if (first !== beat) this.#alive.add(id)
    }
  }

  /** Whether it is this node's turn. */
  isDue({ epoch }: GroupOwner): boolean {
    const before = ranked([...this.#alive, this.#id], epoch).indexOf(this.#id)
    const polls = (this.#hasLeft ? POLLS_OF_LEAVING : POLLS) + before * POLLS_BETWEEN
    return this.#polls >= polls && this.#nowMs() - this.#sinceMs >= (this.#timeoutMs * polls) / POLLS
  }
}

/** The order in which nodes take a store after this epoch: rendezvous hashing, so that all agree without a word. */
export function ranked(ids: readonly string[], epoch: number): string[] {
  const weight = (id: string) => createHash('sha256').update(`${epoch} ${id}`).digest('hex')
  return [...new Set(ids)].sort((a, b) => (weight(a) < weight(b) ? -1 : 1))
}
