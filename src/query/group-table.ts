import type { Hit } from '../core/database.js'
import type { PointId } from '../core/point.js'

export type GroupKey = string | number | bigint

interface Group {
  id: GroupKey
  hits: Map<PointId, Hit>
  best: number
}

/** Groups as points come in, and which of them are the best so far: those with the best point. */
export class Groups {
  /** How many groups are wanted, and points of each. */
  readonly most: number
  readonly #size: number
  readonly #sign: 1 | -1
  /** Keys of texts and numbers differ, as `"1"` and `1` do. */
  readonly #groups = new Map<GroupKey, Group>()
  readonly #ids = new Set<PointId>()

  constructor(most: number, size: number, smallerIsBetter: boolean) {
    this.most = most
    this.#size = size
    this.#sign = smallerIsBetter ? 1 : -1
  }

  get wanted(): number {
    return this.most * this.#size
  }

  /** A point with several values is in several groups. */
  add(hit: Hit, keys: readonly GroupKey[]): void {
    for (const id of new Set(keys)) {
      const group = this.#groups.get(id) ?? { id, hits: new Map<PointId, Hit>(), best: Number.POSITIVE_INFINITY }
      this.#groups.set(id, group)
      group.hits.set(hit.id, hit)
      group.best = Math.min(group.best, this.#sign * hit.score)
    }
    this.#ids.add(hit.id)
  }

  ids(): PointId[] {
    return [...this.#ids]
  }

  filled(): GroupKey[] {
    return [...this.#groups.values()].filter((group) => this.#isFull(group)).map(({ id }) => id)
  }

  unfilledBest(): GroupKey[] {
    return this.#best()
      .filter((group) => !this.#isFull(group))
      .map(({ id }) => id)
  }

  /** As many as are wanted are full, and none that is better is not. */
  isComplete(): boolean {
    const best = this.#best()
    return best.length >= this.most && best.every((group) => this.#isFull(group))
  }

  /** The best groups, each with its best points, best first. */
  best(): { id: GroupKey; hits: Hit[] }[] {
    return this.#best().map(({ id, hits }) => ({
      id,
      hits: [...hits.values()].sort((a, b) => this.#sign * (a.score - b.score)).slice(0, this.#size),
    }))
  }

  #isFull({ hits }: Group): boolean {
    return hits.size >= this.#size
  }

  #best(): Group[] {
    return [...this.#groups.values()].sort((a, b) => a.best - b.best).slice(0, this.most)
  }
}
