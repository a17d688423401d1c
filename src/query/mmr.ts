/** Maximal marginal relevance: of candidates near the query, those that are far from each other. */
import type { Distance } from '../core/schema.js'
import { Turns } from './turns.js'

export interface MmrCandidates {
  distance: Distance
  query: Float32Array
  /** Vectors end to end, nearest to the query first. */
  vectors: Float32Array
  count: number
  /** From 0, only far from each other, to 1, only near the query. */
  relevance: number
}

/** Positions of the chosen ones, in the order in which they were chosen. */
export async function chooseDiverse(from: MmrCandidates, limit: number, signal?: AbortSignal): Promise<number[]> {
  const { count, relevance } = from
  const similarity = similarityOf(from)
  const near = new Float64Array(count)
  const turns = new Turns(signal)
  await turns.each(count, (at) => {
    near[at] = similarity(from.query, 0, at)
  })
  // How near each is to the nearest of those chosen.
  const crowded = new Float64Array(count).fill(Number.NEGATIVE_INFINITY)
  const rest = Array.from({ length: count }, (_, at) => at)
  const chosen: number[] = []
  while (chosen.length < limit && rest.length > 0) {
    const last = chosen.at(-1)
    if (last !== undefined) {
      await turns.each(rest.length, (i) => {
        const at = rest[i] as number
        crowded[at] = Math.max(crowded[at] as number, similarity(from.vectors, last, at))
      })
    }
    const worth = (at: number) =>
      last === undefined
        ? (near[at] as number)
        : relevance * (near[at] as number) - (1 - relevance) * (crowded[at] as number)
    let best = 0
    for (let i = 1; i < rest.length; i++) if (worth(rest[i] as number) > worth(rest[best] as number)) best = i
    chosen.push(rest[best] as number)
    rest.splice(best, 1)
  }
  return chosen
}

/** Greater is nearer, whatever the metric; the `row`th vector of `of` and the candidate `at`. */
function similarityOf({ distance, query, vectors }: MmrCandidates) {
  const size = query.length
  return (of: Float32Array, row: number, at: number): number => {
    const [a, b] = [row * size, at * size]
    let sum = 0
    if (distance === 'Euclid') {
      for (let i = 0; i < size; i++) sum -= ((of[a + i] as number) - (vectors[b + i] as number)) ** 2
    } else if (distance === 'Manhattan') {
      for (let i = 0; i < size; i++) sum -= Math.abs((of[a + i] as number) - (vectors[b + i] as number))
    } else {
      for (let i = 0; i < size; i++) sum += (of[a + i] as number) * (vectors[b + i] as number)
    }
    return sum
  }
}
