// The least effort at which a search reaches a recall, and its rate there. A peer that is too slow answers some of the
// queries only, and the result says how many. The twin of kernel/least_effort.hpp.

export const WANTED_RECALL = 0.95
/** Of graphs that know an ef: an eighth apart as far as most of them need, so that none pays for a coarse grid. */
export const EFS = [
  10, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 64, 72, 80, 90, 102, 114, 128, 160, 192, 256, 384, 512,
  1024,
]
const LEAST_QUERIES = 50
const MOST_SECONDS_OF_PASS = 3
const PASSES = 3
const TURNS = 9
/** Passes before the timed ones go on for so long: code that is compiled as it is used, as JavaScript is, has been by then. */
const WARM_SECONDS = 0.5
/** Looking for the effort ends after this, at the recall that was got. */
const MOST_SECONDS = 40

export async function leastEffort({ efforts, queries, truth, search, sync = false }) {
  const started = performance.now()
  let best = null
  for (const [at, effort] of efforts.entries()) {
    const one = (query) => search(query, effort)
    const first = await pass(one, queries, truth, sync)
    const result = { effort, queries: first.queries, reached: first.recall >= WANTED_RECALL, first: at === 0 }
    if (!best || first.recall > best.recall) best = { ...result, recall: first.recall, ...rates([first]) }
    if (!result.reached) {
      if (performance.now() - started > MOST_SECONDS * 1000) break
      continue
    }
    for (let warm = first.seconds; warm < WARM_SECONDS; ) warm += (await pass(one, queries, truth, sync)).seconds
    const passes = []
    while (passes.length < PASSES && first.seconds < MOST_SECONDS_OF_PASS) {
      passes.push(await pass(one, queries, truth, sync))
    }
    return { ...result, recall: first.recall, ...rates(passes.length > 0 ? passes : [first]) }
  }
  return best
}

/** Rates of searches that are compared with each other: pass by pass in turns, so that a slow minute meets all of them. */
export async function inTurns(sides) {
  const passes = sides.map(() => [])
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [at, { search, queries, truth }] of sides.entries()) {
      passes[at].push(await pass(search, queries, truth, false))
    }
  }
  return passes.map(rates)
}

async function pass(search, queries, truth, sync) {
  const micros = []
  const found = []
  const started = performance.now()
  let seconds = 0
  for (const query of queries) {
    if (micros.length >= LEAST_QUERIES && seconds > MOST_SECONDS_OF_PASS) break
    const before = performance.now()
    found.push(sync ? search(query) : await search(query))
    const now = performance.now()
    micros.push((now - before) * 1000)
    seconds = (now - started) / 1000
  }
  return { queries: micros.length, seconds, micros, recall: recallOf(found, truth) }
}

/** Fewer rows than wanted may match; the rest of the truth is -1. */
function recallOf(found, truth) {
  let hits = 0
  let wanted = 0
  found.forEach((ids, q) => {
    const nearest = new Set(truth.row(q).filter((id) => id >= 0))
    wanted += nearest.size
    for (const id of ids) if (nearest.delete(Number(id))) hits++
  })
  return wanted === 0 ? 1 : hits / wanted
}

function rates(passes) {
  const all = Float64Array.from(passes.flatMap(({ micros }) => micros)).sort()
  const percentile = (share) => all[Math.min(all.length - 1, Math.floor(all.length * share))]
  const qps = Math.max(...passes.map(({ queries, seconds }) => queries / seconds))
  return { qps, p50: percentile(0.5), p99: percentile(0.99) }
}
