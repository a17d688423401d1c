// The results of `--parts counts,sparse,hybrid,maxsim`: tables, and the claims about it. Ratios are of medians over all passes.
import { OURS } from '../systems/index.mjs'
import { FILTERS } from './filters.mjs'
import { fixed, round, table } from './table.mjs'

const PEER = 'lancedb'
const BOUNDS = { countOverPeer: 5, textOverPeer: 5, textRecall: 1, hybridOverDense: 1.9, maxsimOverKernel: 2 }
const KINDS = ['count', 'facet']

export function countsTable({ systems }) {
  const lines = Object.entries(systems).flatMap(([name, found]) =>
    KINDS.map((kind) => [`${name}, ${kind}`, ...FILTERS.map((filter) => round(found[filter.name][kind].p50))]),
  )
  return table(['µs, median', ...FILTERS.map(({ name }) => name)], lines)
}

export function* countsVerdict({ expected, systems }) {
  const { [OURS]: own, [PEER]: peer } = systems
  const isRight = (found, kind) =>
    FILTERS.every(({ name }) => JSON.stringify(found[name][kind].answer) === JSON.stringify(expected[name][kind]))
  for (const kind of KINDS) {
    if (own)
      yield {
        check: `${kind} of filtered rows: the numbers there are in the columns`,
        pass: isRight(own, kind),
        value: isRight(own, kind) ? 'all' : 'others',
        bound: 'all',
        detail: `${FILTERS.length} filters`,
      }
    if (!own || !peer) continue
    const ratios = FILTERS.map(({ name }) => peer[name][kind].p50 / own[name][kind].p50)
    yield {
      check: `${kind} of filtered rows: time of ${PEER} over ours, at the worst filter`,
      pass: isRight(peer, kind) && Math.min(...ratios) >= BOUNDS.countOverPeer,
      value: isRight(peer, kind) ? fixed(Math.min(...ratios)) : 'other answers',
      bound: `≥ ${BOUNDS.countOverPeer}`,
      detail: FILTERS.map(({ name }, i) => `${name} ${fixed(ratios[i])}`).join(', '),
    }
  }
}

export function sparseTable({ systems }) {
  const heads = ['', 'p50 µs', 'p99 µs', 'mean µs', 'best pass', 'recall', 'error of scores', 'built in s']
  const lines = Object.entries(systems).map(([name, { p50, p99, mean, best, recall, error, seconds }]) => [
    name,
    ...[p50, p99, mean, best].map(round),
    fixed(recall, 4),
    error.toExponential(1),
    fixed(seconds),
  ])
  return table(heads, lines)
}

export function* sparseVerdict({ texts, systems: { [OURS]: own, [PEER]: peer } }) {
  if (own)
    yield {
      check: `full text: recall of the ten best of ${round(texts)} texts, by the formula`,
      pass: own.recall >= BOUNDS.textRecall,
      value: fixed(own.recall, 4),
      bound: `≥ ${BOUNDS.textRecall}`,
      detail: `scores differ by at most ${own.error.toExponential(1)}${peer ? `; ${PEER}: recall ${fixed(peer.recall, 4)}, scores ${peer.error.toExponential(1)}` : ''}`,
    }
  if (!own || !peer) return
  const ratio = peer.p50 / own.p50
  yield {
    check: `full text: time of ${PEER} over ours`,
    pass: peer.recall >= BOUNDS.textRecall && ratio >= BOUNDS.textOverPeer,
    value: fixed(ratio),
    bound: `≥ ${BOUNDS.textOverPeer}`,
    detail: `p50 ${round(peer.p50)} / ${round(own.p50)} µs, mean ${round(peer.mean)} / ${round(own.mean)} µs`,
  }
}

export function hybridTable({ dense, text, hybrid }) {
  const lines = Object.entries({ dense, text, hybrid }).map(([name, { p50, p99, mean, best }]) => [
    name,
    ...[p50, p99, mean, best].map(round),
  ])
  return table(['', 'p50 µs', 'p99 µs', 'mean µs', 'best pass'], lines)
}

export function* hybridVerdict({ dense, text, hybrid, kept }) {
  yield {
    check: 'hybrid: p50 over that of the dense query alone',
    pass: hybrid.p50 < BOUNDS.hybridOverDense * dense.p50,
    value: fixed(hybrid.p50 / dense.p50),
    bound: `< ${BOUNDS.hybridOverDense}`,
    detail: `${round(hybrid.p50)} / ${round(dense.p50)} µs, full text alone ${round(text.p50)}; of the ten of dense ${fixed(kept.dense)} are kept, of those of full text ${fixed(kept.text)}`,
  }
}

export function maxsimTable({ shape, kernel, prefetch, both }) {
  const { candidates, tokens, dim, queryTokens } = shape
  const lines = [
    [
      `kernel: ${candidates} × ${tokens} × ${queryTokens} dot products of ${dim}`,
      round(kernel.p50),
      round(kernel.best),
    ],
    ['library: the candidates alone', round(prefetch.p50), round(prefetch.best)],
    ['library: candidates and MaxSim', round(both.p50), round(both.best)],
  ]
  return table(['', 'p50 µs', 'best'], lines)
}

export function* maxsimVerdict({ shape, kernel, prefetch, both, distances }) {
  const { candidates, tokens, queryTokens } = shape
  const wanted = candidates * tokens * queryTokens
  yield {
    check: 'MaxSim: dot products computed, of all there are with the candidates',
    pass: distances === wanted,
    value: round(distances),
    bound: round(wanted),
    detail: `${candidates} candidates of ${tokens} vectors, ${queryTokens} of the query`,
  }
  const ratio = (both.best - prefetch.best) / kernel.best
  yield {
    check: 'MaxSim over prefetched candidates, over its dot products in the kernel alone',
    pass: ratio <= BOUNDS.maxsimOverKernel,
    value: fixed(ratio),
    bound: `≤ ${BOUNDS.maxsimOverKernel}`,
    detail: `(${round(both.best)} - ${round(prefetch.best)}) / ${round(kernel.best)} µs; with the prefetch ${fixed(both.best / kernel.best)}`,
  }
}
