// Ways to answer the same queries, in turns: a slow minute of the machine meets all of them alike.

import { setImmediate as nextTurn } from 'node:timers/promises'

const PASSES = 7

/**
 * `ways` by name: `ask(query, at)` answers, or promises to. Each pass puts all queries to each way, one at a time. Each has
 * a turn of the event loop of its own, as requests have. The first pass warms up and gives the answers. Of the others
 * `p50`, `p99` and `mean` are over all requests, and `best` is the least median of a pass, all in microseconds.
 */
export async function inTurns(ways, queries, passes = PASSES) {
  const found = {}
  for (const name of Object.keys(ways)) found[name] = { answers: [], passes: [] }
  for (let pass = 0; pass <= passes; pass++) {
    for (const [name, ask] of Object.entries(ways)) {
      const micros = new Float64Array(queries.length)
      for (const [at, query] of queries.entries()) {
        await nextTurn()
        const before = performance.now()
        const answer = await ask(query, at)
        micros[at] = (performance.now() - before) * 1000
        if (pass === 0) found[name].answers.push(answer)
      }
      if (pass > 0) found[name].passes.push(micros.sort())
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, summary(one)]))
}

function summary({ answers, passes }) {
  const all = Float64Array.from(passes.flatMap((micros) => [...micros])).sort()
  const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return {
    answers,
    p50: at(all, 0.5),
    p99: at(all, 0.99),
    mean: all.reduce((sum, one) => sum + one, 0) / all.length,
    best: Math.min(...passes.map((one) => at(one, 0.5))),
  }
}

/** The part that a run keeps: all but the answers. */
export const timesOf = ({ p50, p99, mean, best }) => ({ p50, p99, mean, best })
