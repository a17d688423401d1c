import type { Hit } from '../core/database.js'
import type { PointId } from '../core/point.js'

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
  readonly #sign: 1 | -1
  /** Texts and numbers are different keys, such as `"1"` and `1`. */
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

  /** Adds a point. A point with several values is in several groups. */
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

  /** Whether the wanted number of groups is there and each of the best groups is full. */
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
