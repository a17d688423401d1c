import type { Hit } from '../core/database.js'
import type { PointId } from '../core/point.js'
import { encodedIds, STEP, type Steps, sorted } from './turns.js'

export type GroupKey = string | number | bigint

interface Group {
  id: GroupKey
  hits: Map<PointId, Hit>
  best: number
}

/** Collects points into groups and keeps the best groups, ranked by their best point. */
export class Groups {
  /** Number of wanted groups; `#size` is the number of points in each. */
  readonly most: number
  readonly #size: number
  /** Points of all groups together. */
  readonly wanted: number
  readonly #sign: 1 | -1
  /** Texts and numbers are different keys, such as `"1"` and `1`. */
  readonly #groups = new Map<GroupKey, Group>()
  readonly #ids = new Set<PointId>()

  constructor({ most, size, wanted }: { most: number; size: number; wanted: number }, smallerIsBetter: boolean) {
    this.most = most
    this.#size = size
    this.wanted = wanted
    this.#sign = smallerIsBetter ? 1 : -1
  }

  /** Adds a point. A point with several values is in several groups. */
  *add(hit: Hit, keys: readonly GroupKey[]): Steps<void> {
    for (let at = 0; at < keys.length; at++) {
      if (at % STEP === 0) yield
      const id = keys[at] as GroupKey
      const group = this.#groups.get(id) ?? { id, hits: new Map<PointId, Hit>(), best: Number.POSITIVE_INFINITY }
      this.#groups.set(id, group)
      group.hits.set(hit.id, hit)
      group.best = Math.min(group.best, this.#sign * hit.score)
    }
    this.#ids.add(hit.id)
  }

  /** Encoded, of all points. */
  ids(): Steps<Uint32Array> {
    const ids = [...this.#ids]
    return encodedIds(ids.length, (at) => ids[at] as PointId)
  }

  *filled(): Steps<GroupKey[]> {
    const filled: GroupKey[] = []
    for (const group of this.#groups.values()) {
      if (this.#isFull(group)) filled.push(group.id)
      yield
    }
    return filled
  }

  *unfilledBest(): Steps<GroupKey[]> {
    const best = yield* this.#best()
    return best.filter((group) => !this.#isFull(group)).map(({ id }) => id)
  }

  /** Whether the wanted number of groups is there and each of the best groups is full. */
  *isComplete(): Steps<boolean> {
    const best = yield* this.#best()
    return best.length >= this.most && best.every((group) => this.#isFull(group))
  }

  /** The best groups, each with its best points, best first. */
  *best(): Steps<{ id: GroupKey; hits: Hit[] }[]> {
    const best: { id: GroupKey; hits: Hit[] }[] = []
    for (const { id, hits } of yield* this.#best()) {
      const ordered = yield* sorted([...hits.values()], (a, b) => this.#sign * (a.score - b.score))
      best.push({ id, hits: ordered.slice(0, this.#size) })
    }
    return best
  }

  #isFull({ hits }: Group): boolean {
    return hits.size >= this.#size
  }

  *#best(): Steps<Group[]> {
    const ordered = yield* sorted([...this.#groups.values()], (a, b) => a.best - b.best)
    return ordered.slice(0, this.most)
  }
}
