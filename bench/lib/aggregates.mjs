// Counts and facets of filtered rows, one at a time: their median times, and the claims about them.
import { OURS } from '../systems/index.mjs'
import { FILTERS } from './filters.mjs'
import { fixed, round, table } from './table.mjs'

const WARM = 3
const TIMED = 30
/** The facet's column: of ten values. */
const FACETED = 'side'
const PEER = 'lancedb'
const BOUND = 5

/** By filter: the answer, and microseconds; null of a system that has neither. */
export async function measureAggregates({ count, facet }) {
  if (!count) return null
  const found = {}
  for (const filter of FILTERS) {
    found[filter.name] = { count: await timed(() => count(filter)), facet: await timed(() => facet(FACETED, filter)) }
  }
  return found
}

async function timed(ask) {
  let answer
  const micros = []
  for (let i = 0; i < WARM + TIMED; i++) {
    const before = performance.now()
    answer = await ask()
    if (i >= WARM) micros.push((performance.now() - before) * 1000)
  }
  return { answer, micros: micros.sort((a, b) => a - b)[TIMED >> 1] }
}

const measured = ({ systems }) => Object.entries(systems).filter(([, result]) => result?.aggregates)

export function aggregatesTable(filters) {
  const lines = measured(filters).flatMap(([name, { aggregates }]) =>
    ['count', 'facet'].map((kind) => [
      `${name}, ${kind}`,
      ...FILTERS.map((filter) => round(aggregates[filter.name][kind].micros)),
    ]),
  )
  return lines.length === 0 ? '' : table(['µs, median', ...FILTERS.map(({ name }) => name)], lines)
}

export function* aggregatesVerdict(filters) {
  const [own, peer] = [OURS, PEER].map((name) => filters.systems[name]?.aggregates)
  if (!own || !peer) return
  for (const kind of ['count', 'facet']) {
    const ratios = FILTERS.map(({ name }) => peer[name][kind].micros / own[name][kind].micros)
    const isSame = FILTERS.every(
      ({ name }) => JSON.stringify(own[name][kind].answer) === JSON.stringify(peer[name][kind].answer),
    )
    yield {
      check: `${kind} of filtered rows, time of ${PEER} over ours, at the worst filter`,
      pass: isSame && Math.min(...ratios) >= BOUND,
      value: isSame ? fixed(Math.min(...ratios)) : 'other answers',
      bound: `≥ ${BOUND}`,
      detail: FILTERS.map(({ name }, i) => `${name} ${fixed(ratios[i])}`).join(', '),
    }
  }
}
