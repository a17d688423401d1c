// Counts and facets of filtered rows: ours beside Lance's, in turns, on the same columns and indexes of them.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FILTERED } from '../filtered/index.mjs'
import { dataset, workFolder } from '../lib/datasets.mjs'
import { FACETED, FILTERS, prepareFilters, readColumns } from '../lib/filters.mjs'
import { inTurns, timesOf } from '../lib/passes.mjs'

const ASKED = 30
const TINY_ASKED = 3
/** The systems that count matches of a filter. */
export const COUNTING = ['vicinal', 'lancedb']

export async function counts({ data, limit, systems, m, efConstruct, tiny }) {
  const set = dataset(data, limit)
  const folder = workFolder(set, 'counts')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  prepareFilters(set, folder)
  const columns = readColumns(folder)
  const opened = {}
  for (const name of systems.filter((one) => COUNTING.includes(one))) {
    const { open } = await FILTERED[name]()
    opened[name] = await open({ folder: join(folder, name), set, columns, m, efConstruct, searches: false })
  }
  const found = Object.fromEntries(Object.keys(opened).map((name) => [name, {}]))
  for (const filter of FILTERS) {
    for (const [kind, ask] of Object.entries(ASKS)) {
      const ways = Object.fromEntries(Object.entries(opened).map(([name, one]) => [name, () => ask(one, filter)]))
      const measured = await inTurns(ways, Array.from({ length: tiny ? TINY_ASKED : ASKED }))
      for (const [name, one] of Object.entries(measured)) {
        found[name][filter.name] ??= {}
        found[name][filter.name][kind] = { answer: one.answers[0], ...timesOf(one) }
      }
    }
  }
  for (const { close } of Object.values(opened)) await close()
  rmSync(folder, { recursive: true, force: true })
  return { expected: expectedOf(columns), systems: found }
}

const ASKS = {
  count: ({ count }, filter) => count(filter),
  facet: ({ facet }, filter) => facet(FACETED, filter),
}

/** Counted here, in the columns themselves. */
function expectedOf(columns) {
  const values = columns.of(FACETED)
  return Object.fromEntries(
    FILTERS.map(({ name, key, from, to }) => {
      const facet = new Map()
      let count = 0
      for (const [row, value] of columns.of(key).entries()) {
        if (value < from || value >= to) continue
        count++
        facet.set(values[row], (facet.get(values[row]) ?? 0) + 1)
      }
      return [name, { count, facet: [...facet].sort(([a], [b]) => a - b) }]
    }),
  )
}
