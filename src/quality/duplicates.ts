/** Points that are nearly equal. */
import { ID_WORDS } from '../core/point.js'
import type { Neighbours } from './neighbours.js'
import { keyAt, namesOf, type Sample, type Subject } from './samples.js'

const MOST_GROUPS = 10
const MOST_IDS = 10

/** The score from which on two points are near duplicates. */
export interface Threshold {
  readonly score: number
  /** Whether greater scores are nearer. */
  readonly isSimilarity: boolean
}

export function reaches(score: number, { score: least, isSimilarity }: Threshold): boolean {
  return isSimilarity ? score >= least : score <= least
}

/** The share of sampled points with a near duplicate, and the largest groups that these are in. */
export async function nearDuplicates(
  subject: Subject,
  sample: Sample,
  lists: Neighbours,
  threshold: Threshold,
  among: number,
) {
  const groups = new Groups()
  let found = 0
  for (let at = 0; at < lists.counts.length; at++) {
    const from = at * lists.length
    let isFirst = true
    for (let place = from; place < from + (lists.counts[at] as number); place++) {
      if (!reaches(lists.scores[place] as number, threshold)) break
      if (isFirst) found++
      isFirst = false
      groups.join(groups.add(sample.ids, at), groups.add(lists.ids, place))
    }
  }
  const told = []
  for (const members of groups.largest(MOST_GROUPS)) {
    const ids = await namesOf(subject, groups.ids, members.slice(0, MOST_IDS))
    told.push({ size: members.length, ids })
  }
  return { threshold: threshold.score, among, rate: found / Math.max(1, lists.counts.length), groups: told }
}

/** Points that are joined pair by pair (union by find with halved paths). */
class Groups {
  readonly #numbers = new Map<string, number>()
  readonly #words: number[] = []
  readonly #above: number[] = []

  get ids(): Uint32Array {
    return Uint32Array.from(this.#words)
  }

  /** The number of a point. */
  add(ids: Uint32Array, at: number): number {
    const key = keyAt(ids, at)
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#above.length
    this.#numbers.set(key, number)
    this.#above.push(number)
    this.#words.push(...ids.subarray(at * ID_WORDS, (at + 1) * ID_WORDS))
    return number
  }

  join(a: number, b: number): void {
    this.#above[this.#top(a)] = this.#top(b)
  }

  /** The members of the largest groups, the largest first. */
  largest(most: number): number[][] {
    const members = new Map<number, number[]>()
    for (let number = 0; number < this.#above.length; number++) {
      const top = this.#top(number)
      const group = members.get(top)
      if (group) group.push(number)
      else members.set(top, [number])
    }
    return [...members.values()].sort((a, b) => b.length - a.length).slice(0, most)
  }

  #top(number: number): number {
    let at = number
    while (this.#above[at] !== at) {
      this.#above[at] = this.#above[this.#above[at] as number] as number
      at = this.#above[at] as number
    }
    return at
  }
}
