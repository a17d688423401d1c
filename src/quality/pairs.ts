/** Pairs of points that are nearly equal, among all points of a collection. */
import { ID_WORDS } from '../core/point.js'
import type { NearDuplicatePairs } from '../core/quality.js'
import type { ResolvedVector } from '../core/schema.js'
import { compileNode } from '../filter/program.js'
import { reaches } from './duplicates.js'
import { keyAt, namesOf, type Subject } from './samples.js'

const PAGE_POINTS = 1_024
const PAGE_FLOATS = 1_048_576
const QUERIES_AT_ONCE = 64
/** Neighbours of each point that are looked at. */
const NEIGHBOURS = 32
const RECALL = 0.98
/** Pairs that are held for each that is told, before the worst are dropped. */
const HELD = 4

export interface AskedPairs {
  /** Index into the schema. */
  readonly vector: number
  readonly threshold: number
  readonly limit: number
  readonly maxPoints: number
}

/** Looks at the nearest neighbours of each point, in the order of ids. */
export async function pairsOf(subject: Subject, asked: AskedPairs): Promise<NearDuplicatePairs> {
  const { shard, schema, signal } = subject
  const { vector, maxPoints } = asked
  const { size, distance } = schema[vector] as ResolvedVector
  const best = new BestPairs(asked, distance === 'Cosine' || distance === 'Dot')
  const filter = compileNode({ op: 'hasVector', vector })
  const fields = { payload: false, vectors: Uint32Array.of(vector) }
  const most = Math.max(1, Math.min(PAGE_POINTS, Math.floor(PAGE_FLOATS / size)))
  let points = 0
  let from: Uint32Array | null = null
  do {
    const page = await shard.scroll({ from, limit: Math.min(most, maxPoints - points), filter, fields }, signal)
    const data = page.vectors[0]?.data as Float32Array
    for (let first = 0; first < page.count; first += QUERIES_AT_ONCE) {
      signal.throwIfAborted()
      const queries = data.subarray(first * size, Math.min(page.count, first + QUERIES_AT_ONCE) * size)
      const lists = await shard.nearestLists(
        { vector, queries, limit: NEIGHBOURS + 1, recall: RECALL, filter: null },
        signal,
      )
      for (const [query, count] of lists.counts.entries()) {
        best.add(page.ids, first + query, lists, query * (NEIGHBOURS + 1), count)
      }
    }
    points += page.count
    from = page.next
  } while (from && points < maxPoints)
  return await best.told(subject, points, from === null)
}

interface Pair {
  readonly a: Uint32Array
  readonly b: Uint32Array
  readonly score: number
}

/** The best pairs so far, each once. */
class BestPairs {
  readonly #asked: AskedPairs
  readonly #isSimilarity: boolean
  #pairs = new Map<string, Pair>()
  /** Whether each pair found is held, and each list ended before its bound. */
  #isWhole = true

  constructor(asked: AskedPairs, isSimilarity: boolean) {
    this.#asked = asked
    this.#isSimilarity = isSimilarity
  }

  /** Adds the pairs of one point with its neighbours, which are `count` from the place `from` on. */
  add(ids: Uint32Array, at: number, lists: { ids: Uint32Array; scores: Float32Array }, from: number, count: number) {
    const threshold = { score: this.#asked.threshold, isSimilarity: this.#isSimilarity }
    const own = keyAt(ids, at)
    let found = 0
    for (let place = from; place < from + count; place++) {
      const score = lists.scores[place] as number
      if (!reaches(score, threshold)) break
      found++
      const other = keyAt(lists.ids, place)
      if (other === own) continue
      const words = [idAt(ids, at), idAt(lists.ids, place)] as const
      const [a, b] = isBefore(words[0], words[1]) ? words : [words[1], words[0]]
      this.#pairs.set(own < other ? own + other : other + own, { a, b, score })
    }
    if (found > NEIGHBOURS) this.#isWhole = false
    if (this.#pairs.size > HELD * this.#asked.limit) this.#prune()
  }

  async told(subject: Subject, points: number, isAll: boolean): Promise<NearDuplicatePairs> {
    this.#prune()
    const pairs = [...this.#pairs.values()]
    const words = new Uint32Array(pairs.length * 2 * ID_WORDS)
    for (const [at, { a, b }] of pairs.entries()) {
      words.set(a, 2 * at * ID_WORDS)
      words.set(b, (2 * at + 1) * ID_WORDS)
    }
    const names = await namesOf(
      subject,
      words,
      Array.from({ length: pairs.length * 2 }, (_, at) => at),
    )
    type Id = (typeof names)[number]
    return {
      pairs: pairs.map(({ score }, at) => ({ a: names[2 * at] as Id, b: names[2 * at + 1] as Id, score })),
      points,
      isComplete: isAll && this.#isWhole,
    }
  }

  #prune(): void {
    const { limit } = this.#asked
    const sign = this.#isSimilarity ? -1 : 1
    const order = [...this.#pairs].sort(([, a], [, b]) => sign * (a.score - b.score) || (isBefore(a.a, b.a) ? -1 : 1))
    if (order.length > limit) this.#isWhole = false
    this.#pairs = new Map(order.slice(0, limit))
  }
}

function idAt(ids: Uint32Array, at: number): Uint32Array {
  return ids.slice(at * ID_WORDS, (at + 1) * ID_WORDS)
}

function isBefore(a: Uint32Array, b: Uint32Array): boolean {
  for (let word = 0; word < ID_WORDS; word++) if (a[word] !== b[word]) return (a[word] as number) < (b[word] as number)
  return false
}
