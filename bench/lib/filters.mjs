// The filters of `--parts filters`: ranges over two columns of numbers, and the queries they are asked with. One column
// has nothing to do with the vectors, the other one does.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chunks, readMatrix, shape } from './datasets.mjs'
import { seeded } from './random.mjs'

const SEED = 20_241
const PER_MILLE = 1000
const DECILES = 10
const QUERIES = 1000
/** Queries on one side of the data, for filters that go with or against it. */
const SIDE_QUERIES = 200
const CHUNK_ROWS = 10_000

export const COLUMNS = ['random', 'side']
/** Of ten values, which are counted. */
export const FACETED = 'side'

const atRandom = [1, 10, 100, 500, 900].map((perMille) => ({
  name: `${perMille / 10} %`,
  key: 'random',
  from: 0,
  to: perMille,
  side: false,
}))

/** The same rows by a word of theirs, which many rows have and many queries name; our own part alone asks so. */
export const WORDS = {
  '10 %': { key: 'tenth', value: 'first' },
  '50 %': { key: 'half', value: 'first' },
  '10 % with': { key: 'nearness', value: 'near' },
  '10 % against': { key: 'nearness', value: 'far' },
}
export const wordsOf = ({ random, side }) => ({
  tenth: random < PER_MILLE / DECILES ? 'first' : `${Math.floor((random * DECILES) / PER_MILLE)}`,
  half: random < PER_MILLE / 2 ? 'first' : 'second',
  nearness: side === 0 ? 'near' : side === DECILES - 1 ? 'far' : `${side}`,
})

/** Rows match whose value is at least `from` and below `to`. */
export const FILTERS = [
  ...atRandom,
  { name: '10 % with', key: 'side', from: 0, to: 1, side: true },
  { name: '10 % against', key: 'side', from: DECILES - 1, to: DECILES, side: true },
]
/** Everything matches: the search without a filter. */
export const UNFILTERED = { name: 'none', key: 'random', from: 0, to: PER_MILLE, side: false }
export const isUnfiltered = (filter) => filter.name === UNFILTERED.name

const file = (folder, leaf) => join(folder, leaf)
export const filterFiles = (folder) => ({
  queries: file(folder, 'queries.fbin'),
  side: file(folder, 'side.fbin'),
  columns: file(folder, 'columns.ibin'),
  index: file(folder, 'hnswlib.bin'),
  truth: (filter) => file(folder, `${filter.name}.ibin`),
})

/** Writes columns and queries. `side` is the tenth that a row is in by its distance from the first query. */
export function prepareFilters(set, folder) {
  const files = filterFiles(folder)
  const heldOut = readMatrix(set.queriesFile)
  const rows = Array.from({ length: heldOut.count }, (_, at) => heldOut.row(at))
  const pivot = rows[0]
  const near = [...rows].sort((a, b) => distance(a, pivot) - distance(b, pivot)).slice(0, SIDE_QUERIES)
  write(files.queries, rows.slice(0, QUERIES))
  write(files.side, near)
  const distances = new Float64Array(shape(set.base).count)
  for (const { from, rows: count, dim, data } of chunks(set.base, CHUNK_ROWS)) {
    for (let i = 0; i < count; i++) distances[from + i] = distance(data.subarray(i * dim, (i + 1) * dim), pivot)
  }
  const sorted = Float64Array.from(distances).sort()
  const bounds = Array.from({ length: DECILES }, (_, at) => sorted[Math.ceil(((at + 1) * sorted.length) / DECILES) - 1])
  const random = seeded(SEED)
  const values = Array.from(distances, (value) =>
    Int32Array.of(
      Math.floor(random() * PER_MILLE),
      bounds.findIndex((bound) => value <= bound),
    ),
  )
  write(files.columns, values)
}

function write(path, rows) {
  const header = Buffer.from(Int32Array.of(rows.length, rows[0].length).buffer)
  writeFileSync(
    path,
    Buffer.concat([header, ...rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength))]),
  )
}

function distance(a, b) {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2
  return sum
}

/** `of(key)` is a column as one typed array; `at(row)` is { random, side }. */
export function readColumns(folder) {
  const bytes = readFileSync(filterFiles(folder).columns)
  const numbers = new Int32Array(bytes.buffer.slice(bytes.byteOffset + 8, bytes.byteOffset + bytes.byteLength))
  const columns = COLUMNS.map((_, c) =>
    Int32Array.from({ length: numbers.length / 2 }, (_, row) => numbers[2 * row + c]),
  )
  return {
    of: (key) => columns[COLUMNS.indexOf(key)],
    at: (row) => Object.fromEntries(COLUMNS.map((key, c) => [key, columns[c][row]])),
  }
}
