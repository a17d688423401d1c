// The results of `--parts servers`: a table of rates and latencies, and the claims about them.
import { OURS } from '../systems/index.mjs'
import { fixed, round, table } from './table.mjs'

const CONNECTIONS = 8
const BOUNDS = { redis: 4, pgvector: 5 }
const MOST_OF_P99 = 0.25

export function serversTable(servers) {
  const heads = [
    'server',
    'variant',
    'connections',
    'effort',
    'recall',
    'QPS',
    'p50 µs',
    'p99 µs',
    'filled in s',
    'note',
  ]
  const rows = Object.entries(servers).flatMap(([name, result]) =>
    result.rows.map((row) => [
      name,
      row.variant,
      row.inFlight,
      row.ef,
      fixed(row.recall, 4),
      round(row.qpsMedian),
      round(row.p50),
      round(row.p99),
      fixed(result.fillSeconds, 1),
      result.note,
    ]),
  )
  return table(heads, rows)
}

/** The variant with the highest rate. Rates are of the median pass, since systems were asked in turns. */
function best(result) {
  const rows = (result?.rows ?? []).filter(({ inFlight }) => inFlight === CONNECTIONS)
  return rows.sort((a, b) => b.qpsMedian - a.qpsMedian)[0]
}

export function* serversVerdict(servers, target) {
  const own = best(servers[OURS])
  if (!own) return
  for (const [name, bound] of Object.entries(BOUNDS)) {
    const peer = best(servers[name])
    if (!peer) continue
    const isReached = own.recall >= target && peer.recall >= target
    const recalls = `recall ${fixed(own.recall, 3)}, ${fixed(peer.recall, 3)}`
    yield {
      check: `servers: ${CONNECTIONS} connections, QPS over ${name}`,
      pass: isReached && own.qpsMedian >= bound * peer.qpsMedian,
      value: fixed(own.qpsMedian / peer.qpsMedian),
      bound: `≥ ${bound}`,
      detail: `${round(own.qpsMedian)} (${own.variant || 'HTTP'}) / ${round(peer.qpsMedian)} QPS, ${recalls}`,
    }
    yield {
      check: `servers: ${CONNECTIONS} connections, p99 over ${name}'s`,
      pass: isReached && own.p99 <= MOST_OF_P99 * peer.p99,
      value: fixed(own.p99 / peer.p99),
      bound: `≤ ${MOST_OF_P99}`,
      detail: `${round(own.p99)} / ${round(peer.p99)} µs`,
    }
  }
}
