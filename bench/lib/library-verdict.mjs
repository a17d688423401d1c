// Bounds of the library on each data set: rates over the best peer when asked for recall, the tail of its latencies, and
// the memory of its fastest and its smallest configuration.
import { OURS, OWN } from '../systems/index.mjs'
import { qpsAt, rowsOf, TARGET_RECALL } from './rates.mjs'
import { fixed, mb, round } from './table.mjs'

const OVER_PEERS = {
  words: { 0.95: 3.3, 0.99: 3 },
  glosses: { 0.95: 4, 0.99: 4 },
  mnist: { 0.95: 4, 0.99: 4 },
}
const P99_OVER_P50 = 2.5
/** Of the fastest and of the smallest, over the float32 vectors. */
const MEMORY = { glosses: { fastest: 1.5, smallest: 0.25 } }

const asked = (system) => rowsOf(system.search.rows, 1, ({ variant }) => variant === 'recall')

export function* libraryVerdict({ name, systems }) {
  const own = asked(systems[OURS])
  for (const [recall, bound] of Object.entries(OVER_PEERS[name] ?? {}))
    yield* overPeers(own, systems, Number(recall), bound)
  const row = own.find(({ recall }) => recall >= TARGET_RECALL)
  if (row) {
    yield {
      check: `library: asked for recall, one at a time, p99 over p50`,
      pass: row.p99 < P99_OVER_P50 * row.p50,
      value: fixed(row.p99 / row.p50),
      bound: `< ${P99_OVER_P50}`,
      detail: `${round(row.p99)} / ${round(row.p50)} µs at recall ${fixed(row.recall, 3)}; of each query's median pass ${round(row.p99OfMedians)}; of adding numbers ${round(row.adding?.p99 ?? null)} / ${round(row.adding?.p50 ?? null)}`,
    }
  }
  if (MEMORY[name]) yield* memory(systems, MEMORY[name])
}

function* overPeers(own, systems, recall, bound) {
  const peers = Object.entries(systems)
    .filter(([name, system]) => !OWN.includes(name) && system.search)
    .map(([name, system]) => [name, qpsAt(rowsOf(system.search.rows, 1), recall)])
    .filter(([, qps]) => qps !== null)
    .sort((a, b) => b[1] - a[1])
  const qps = qpsAt(own, recall)
  if (peers.length === 0) return
  const [name, best] = peers[0]
  yield {
    check: `library: asked for recall, with payload, QPS at ${recall} over the best peer`,
    pass: qps !== null && qps >= bound * best,
    value: fixed(qps === null ? null : qps / best),
    bound: `≥ ${bound}`,
    detail: `${round(qps)} / ${round(best)} QPS (${name})`,
  }
}

function* memory(systems, bounds) {
  const fastest = qpsAt(asked(systems[OURS]))
  for (const [which, name] of [
    ['fastest', OURS],
    ['smallest', smallest(systems)],
  ]) {
    const { build, memory, search } = systems[name] ?? {}
    if (!memory) continue
    const qps = qpsAt(asked({ search }))
    const share = memory.rssGrowth / build.vectorBytes
    yield {
      check: `memory: ${which} configuration, growth of RSS over the float32 vectors`,
      pass: share <= bounds[which] && qps !== null,
      value: fixed(share),
      bound: `≤ ${bounds[which]}`,
      detail: `${mb(memory.rssGrowth)} / ${mb(build.vectorBytes)}; ${round(qps)} QPS at recall ${TARGET_RECALL}, ${fixed(fastest === null || qps === null ? null : qps / fastest)} of the fastest's`,
    }
  }
}

/** Of our configurations that reach the recall, the one that takes the least memory. */
function smallest(systems) {
  const able = OWN.filter((name) => systems[name]?.memory && qpsAt(asked(systems[name])) !== null)
  return able.sort((a, b) => systems[a].memory.rssGrowth - systems[b].memory.rssGrowth)[0]
}
