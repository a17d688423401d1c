// Filtered search: the rate at the least effort that reaches a recall of 0.95, for each filter.
import { mkdirSync, rmSync } from 'node:fs'
import { FILTERED } from '../filtered/index.mjs'
import { dataset, readMatrix, workFolder } from '../lib/datasets.mjs'
import { FILTERS, filterFiles, isUnfiltered, prepareFilters, readColumns, UNFILTERED } from '../lib/filters.mjs'
import { compileProgram, hnswlib, runProgram } from '../lib/kernel-program.mjs'
import { inTurns, leastEffort } from '../lib/least-effort.mjs'

const ALL = [UNFILTERED, ...FILTERS]
/** Pairs that a claim compares: with the unfiltered search, and with a scan. */
const MOST = '90 %'
const FEW = '0.1 %'
const WANTED = 0.95
const ASKED_AT_ONCE = 1000
/** Where there are too few rows for a graph none comes. */
const MOST_ASKED = 2_000_000

/** The kernel, C++ hnswlib and the scan of the rows that match; leaves truth and hnswlib's index for `filters`. */
export function filtersNative({ data, limit, tiny }) {
  const set = dataset(data, limit)
  const folder = workFolder(set, 'filters')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  prepareFilters(set, folder)
  const { include, source } = hnswlib(tiny)
  const { queries, side, columns } = filterFiles(folder)
  const metric = set.distance === 'Cosine' ? 'cosine' : 'l2'
  const asked = ALL.map(({ name, key, from, to, side: isSide }) =>
    [name, key, from, to, isSide ? 'side' : 'queries'].join(':'),
  )
  const program = compileProgram('filter_bench', include)
  const answers = runProgram(program, [set.base, queries, side, columns, folder, metric, ...asked])
  return { ...answers, hnswlibSource: source }
}

export async function filters({ system, data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const folder = workFolder(set, 'filters')
  const files = filterFiles(folder)
  const { open } = await FILTERED[system]()
  const opened = await open({ folder, set, columns: readColumns(folder), m, efConstruct })
  const { prepareQuery = (query) => query, sync = false } = opened
  const [queries, side] = [files.queries, files.side].map((file) => {
    const matrix = readMatrix(file)
    return Array.from({ length: matrix.count }, (_, at) => prepareQuery(matrix.row(at)))
  })
  const rows = {}
  const scans = {}
  for (const filter of ALL) {
    const truth = readMatrix(files.truth(filter), Int32Array)
    const asked = isUnfiltered(filter) ? null : filter
    const common = { queries: filter.side ? side : queries, truth, sync }
    const search = (query, effort) => opened.search(query, asked, effort)
    rows[filter.name] = await leastEffort({ ...common, efforts: opened.efforts, search })
    if (opened.scan) {
      scans[filter.name] = await leastEffort({ ...common, efforts: [0], search: (query) => opened.scan(query, asked) })
    }
  }
  if (opened.scan) {
    const searches = (name) => {
      const filter = ALL.find((one) => one.name === name)
      const common = { queries, truth: readMatrix(files.truth(filter), Int32Array) }
      const asked = isUnfiltered(filter) ? null : filter
      return [
        { ...common, search: (query) => opened.search(query, asked, rows[name].effort) },
        { ...common, search: (query) => opened.scan(query, asked) },
      ]
    }
    const [none, most] = await inTurns([searches(UNFILTERED.name)[0], searches(MOST)[0]])
    Object.assign(rows[UNFILTERED.name], none)
    Object.assign(rows[MOST], most)
    const [few, scan] = await inTurns(searches(FEW))
    Object.assign(rows[FEW], few)
    Object.assign(scans[FEW], scan)
  }
  const ofValue = opened.words ? await byGraphsOfValues(opened, files, queries, side) : null
  await opened.close()
  return { rows, ofValue, scans: opened.scan ? scans : null, note: opened.note ?? null }
}

/** Once their graphs are there, for which a value has to be asked for often enough. */
async function byGraphsOfValues({ words, efforts, searchWord, hasGraph }, files, queries, side) {
  const rows = {}
  for (const filter of FILTERS.filter(({ name }) => words[name])) {
    const word = words[filter.name]
    let asked = 0
    while (asked < MOST_ASKED && !(await hasGraph(queries[0], word))) {
      for (let i = 0; i < ASKED_AT_ONCE; i++) await searchWord(queries[asked++ % queries.length], word, WANTED)
    }
    const common = { queries: filter.side ? side : queries, truth: readMatrix(files.truth(filter), Int32Array) }
    const search = (query, effort) => searchWord(query, word, effort)
    rows[filter.name] = { ...(await leastEffort({ ...common, sync: false, efforts, search })), asked }
  }
  return rows
}
