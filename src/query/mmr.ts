/** Maximal marginal relevance: selects candidates near the query that differ from each other. */
import type { Stoppable } from '../core/stop.js'
import type { Similarities } from './similarities.js'
import { Turns } from './turns.js'

/**
 * Positions of the chosen candidates, in the order of choice. `relevance` goes from 0 (only diversity) to 1 (only
 * nearness to the query).
 */
export async function chooseDiverse(
  similarities: Similarities,
  relevance: number,
  limit: number,
  call?: Stoppable,
): Promise<number[]> {
  const { count } = similarities
  const turns = new Turns(call)
  const rest = Array.from({ length: count }, (_, at) => at)
  const near = new Float64Array(count)
  const { queryParts } = similarities
  await addUp(
    turns,
    rest,
    () => queryParts,
    similarities.toQuery,
    (at, sum) => {
      near[at] = sum
    },
  )
  // Similarity of each candidate to the most similar chosen one.
  const crowded = new Float64Array(count).fill(Number.NEGATIVE_INFINITY)
  const chosen: number[] = []
  while (chosen.length < limit && rest.length > 0) {
    const last = chosen.at(-1)
    if (last !== undefined) {
      await addUp(
        turns,
        rest,
        similarities.parts,
        (at, part) => similarities.between(at, part, last),
        (at, sum) => {
          crowded[at] = Math.max(crowded[at] as number, sum)
        },
      )
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

/** Sums the parts for each candidate. Each part is short, so that other work gets its turns in between. */
async function addUp(
  turns: Turns,
  candidates: readonly number[],
  parts: (at: number) => number,
  part: (at: number, part: number) => number,
  done: (at: number, sum: number) => void,
): Promise<void> {
  const all = candidates.reduce((sum, at) => sum + parts(at), 0)
  let [i, next, sum] = [0, 0, 0]
  await turns.each(all, () => {
    const at = candidates[i] as number
    sum += part(at, next)
    next += 1
    if (next < parts(at)) return
    done(at, sum)
    i += 1
    next = 0
    sum = 0
  })
}
