/** The nearest neighbours of sampled points: among all points by the index, or exactly among the sample. */
import { ID_WORDS } from '../core/point.js'
import type { Distance } from '../core/schema.js'
import type { Sample, Subject } from './samples.js'
import { keyAt } from './samples.js'

/** Queries of one call of the kernel: a few milliseconds of a thread that also builds graphs. */
const QUERIES_AT_ONCE = 64
/** Lists miss few neighbours, and the walk is not much longer than for usual queries. */
const RECALL = 0.98

/** For each sampled point its neighbours without itself, nearest first. */
export interface Neighbours {
  readonly length: number
  readonly counts: Uint32Array
  /** `length` places for each point, as are ids and scores. */
  readonly distances: Float64Array
  /** In terms of the metric. */
  readonly scores: Float32Array
  readonly ids: Uint32Array
}

/** The lists of the sampled points among all points of the collection. */
export async function neighboursOf(
  { shard, signal }: Subject,
  vector: number,
  sample: Sample,
  length: number,
  distanceOf: (score: number) => number,
): Promise<Neighbours> {
  const { count, dim } = sample
  const [data] = sample.vectors as [Float32Array]
  const lists = emptyLists(count, length)
  for (let first = 0; first < count; first += QUERIES_AT_ONCE) {
    signal.throwIfAborted()
    const last = Math.min(count, first + QUERIES_AT_ONCE)
    const queries = data.subarray(first * dim, last * dim)
    // The point itself is among its own nearest, or tied with as many that are equal to it.
    const found = await shard.nearestLists({ vector, queries, limit: length + 1, recall: RECALL, filter: null }, signal)
    for (let at = first; at < last; at++) {
      const from = (at - first) * (length + 1)
      const own = keyAt(sample.ids, at)
      let filled = 0
      for (let place = from; place < from + (found.counts[at - first] as number) && filled < length; place++) {
        if (keyAt(found.ids, place) === own) continue
        const to = at * length + filled
        lists.ids.set(found.ids.subarray(place * ID_WORDS, (place + 1) * ID_WORDS), to * ID_WORDS)
        lists.scores[to] = found.scores[place] as number
        lists.distances[to] = distanceOf(found.scores[place] as number)
        filled++
      }
      lists.counts[at] = filled
    }
  }
  return lists
}

/** The same among the first `among` points of the sample, by their squared distances to each other. */
export function neighboursAmong(sample: Sample, among: number, squared: Float32Array, length: number): Neighbours {
  const lists = emptyLists(among, length)
  const places = nearestPlaces(among, length, (a, b) => squared[a * among + b] as number)
  for (let at = 0; at < among * length; at++) {
    const point = Math.floor(at / length)
    const other = places[at] as number
    if (other < 0) continue
    const distance = Math.sqrt(squared[point * among + other] as number)
    lists.counts[point] = (lists.counts[point] as number) + 1
    lists.ids.set(sample.ids.subarray(other * ID_WORDS, (other + 1) * ID_WORDS), at * ID_WORDS)
    lists.distances[at] = distance
    lists.scores[at] = distance
  }
  return lists
}

/** For each of `count` items the `length` others that are the least by `costOf`, in that order; -1 where there is none. */
export function nearestPlaces(
  count: number,
  length: number,
  costOf: (item: number, other: number) => number,
): Int32Array {
  const places = new Int32Array(count * length).fill(-1)
  const costs = new Float64Array(length)
  for (let item = 0; item < count; item++) {
    costs.fill(Number.POSITIVE_INFINITY)
    const from = item * length
    for (let other = 0; other < count; other++) {
      if (other === item) continue
      const cost = costOf(item, other)
      if (!(cost < (costs[length - 1] as number))) continue
      let place = length - 1
      for (; place > 0 && cost < (costs[place - 1] as number); place--) {
        costs[place] = costs[place - 1] as number
        places[from + place] = places[from + place - 1] as number
      }
      costs[place] = cost
      places[from + place] = other
    }
  }
  return places
}

function emptyLists(count: number, length: number) {
  return {
    length,
    counts: new Uint32Array(count),
    distances: new Float64Array(count * length),
    scores: new Float32Array(count * length),
    ids: new Uint32Array(count * length * ID_WORDS),
  }
}

/**
 * Turns scores into distances, by which dimensions are estimated. Under Cosine it is the length of the chord between unit
 * vectors; under Dot the same between vectors of one length, `norm`.
 */
export function distanceBy(metric: Distance, norm: number): (score: number) => number {
  if (metric === 'Cosine') return (score) => Math.sqrt(Math.max(0, 2 - 2 * score))
  if (metric === 'Dot') return (score) => Math.sqrt(Math.max(0, 2 * norm * norm - 2 * score))
  return (score) => score
}
