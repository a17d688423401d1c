// The results of `--parts filters`: a table of rates, and the claims about them.
import { OURS } from '../systems/index.mjs'
import { FILTERS, UNFILTERED } from './filters.mjs'
import { fixed, round, table } from './table.mjs'

const BOUNDS = { overPeer: 3, overScan: 1, most: 0.85 }
const MOST = '90 %'
const NAMES = [UNFILTERED.name, ...FILTERS.map(({ name }) => name)]

/** By system, the peers' and ours. */
function linesOf({ native, systems }) {
  const done = Object.entries(systems).filter(([, result]) => result)
  return {
    kernel: native.vicinal,
    scan: native.scan,
    own: systems[OURS]?.rows,
    ownByValue: systems[OURS]?.ofValue,
    byValue: native.ofValue,
    ownScan: systems[OURS]?.scans,
    peers: {
      'C++ hnswlib': native.hnswlib,
      ...Object.fromEntries(done.filter(([name]) => name !== OURS).map(([name, { rows }]) => [name, rows])),
    },
  }
}

/** ≥: at the least effort already; r: the recall was not reached, which it was, and its rate; n: of how many queries. */
function cell(rated, all) {
  if (!rated) return '–'
  const { qps, recall, reached, first, queries } = rated
  const rate = qps < 100 ? fixed(qps, 1) : round(qps)
  const few = queries < all ? ` (n ${queries})` : ''
  return `${reached ? (first ? '≥' : '') : `r ${fixed(recall, 3).slice(1)}: `}${rate}${few}`
}

export function filtersTable(filters) {
  const { kernel, scan, own, ownScan, ownByValue, byValue, peers } = linesOf(filters)
  const asked = Object.fromEntries(
    NAMES.map((name) => [name, Math.max(...[kernel, scan].map((rows) => rows[name].queries))]),
  )
  const line = (name, rows) => [name, ...NAMES.map((filter) => cell(rows?.[filter], asked[filter]))]
  const lines = [
    line('Vicinal, library', own),
    line('the same, by the graph of a value', ownByValue),
    line('the same, exact: true', ownScan),
    line('Vicinal, kernel', kernel),
    line('the same, by the graph of a value', byValue),
    line('scan of the ids, C++', scan),
    ...Object.entries(peers).map(([name, rows]) => line(name, rows)),
  ]
  return table(['QPS at recall .95', ...NAMES], lines)
}

export function* filtersVerdict(filters) {
  const { kernel, scan, own, ownScan, peers } = linesOf(filters)
  for (const { name } of FILTERS) {
    if (own) yield* over(`filter ${name}: library`, own[name], ownScan[name], bestOf(peers, name))
    yield* over(`filter ${name}: kernel`, kernel[name], scan[name], ['C++ hnswlib', peers['C++ hnswlib'][name]])
  }
  for (const [who, rows] of [
    ['library', own],
    ['kernel', kernel],
  ]) {
    if (!rows) continue
    const ratio = rows[MOST].qps / rows[UNFILTERED.name].qps
    yield {
      check: `filter ${MOST}: ${who}, QPS over the unfiltered`,
      pass: ratio >= BOUNDS.most,
      value: fixed(ratio),
      bound: `≥ ${BOUNDS.most}`,
      detail: `${round(rows[MOST].qps)} / ${round(rows[UNFILTERED.name].qps)} QPS`,
    }
  }
}

/** The peer with the highest rate among those that reach the recall. */
function bestOf(peers, filter) {
  const reached = Object.entries(peers).filter(([, rows]) => rows[filter]?.reached)
  return reached.sort((a, b) => b[1][filter].qps - a[1][filter].qps).map(([name, rows]) => [name, rows[filter]])[0]
}

function* over(what, own, scan, best) {
  const ratio = best ? own.qps / best[1].qps : Infinity
  yield {
    check: `${what}, QPS at recall .95 over the best peer that reaches it`,
    pass: own.reached && ratio >= BOUNDS.overPeer,
    value: own.reached ? (best ? fixed(ratio) : 'not reached by any') : `recall ${fixed(own.recall, 3)}`,
    bound: `≥ ${BOUNDS.overPeer}`,
    detail: best ? `${round(own.qps)} / ${round(best[1].qps)} QPS (${best[0]})` : `${round(own.qps)} / –`,
  }
  yield {
    check: `${what}, QPS over a float32 scan of the matching rows`,
    pass: own.qps / scan.qps >= BOUNDS.overScan,
    value: fixed(own.qps / scan.qps),
    bound: `≥ ${BOUNDS.overScan}`,
    detail: `${round(own.qps)} / ${round(scan.qps)} QPS`,
  }
}
