// Recall asked for and got: on queries held out of the data, and under filters that have nothing to do with the query,
// that go with it, and that go against it. It is measured after changes, compaction and a restart too, and on queries of
// another kind, once the collection has settled on that kind. The truth is the library's
// own exact scan, which the tests compare with an oracle.
import { rmSync } from 'node:fs'
import { open } from '../../dist/index.js'
import { chunks, dataset, K, readMatrix, shape, workFolder } from '../lib/datasets.mjs'
import { seeded } from '../lib/random.mjs'
import { allIndexed } from '../systems/vicinal.mjs'
import { liveThrough } from './recall-stages.mjs'

const TARGETS = [0.8, 0.9, 0.95, 0.99]
const FILTER_TARGET = 0.95
const PER_MILLE = 1000
const SEED = 20_241
const MOST_QUERIES = 1000
const MIXED_QUERIES = 1000
const MIXED_ROWS = 5
/** Queries of another kind, asked again and again beforehand until the collection is calibrated on such. */
const WARMING_QUERIES = 2000
const WARMING_BATCH = 200
const WARMING_MS = 240_000
/** From so many compared queries on, the collection has noticed, if it ever will. */
const NOTICED_QUERIES = 96
/** And from so many on it has seen that there is nothing to change, as where every search is a scan. */
const SURE_QUERIES = 3 * NOTICED_QUERIES
/** Queries on one side of the data, for filters that go with or against it. */
const SIDE_QUERIES = 200
const DECILES = 10
const CHUNK_ROWS = 10_000
/** One-sided 95 %. */
const Z = 1.645

/** Of two numbers at random, so that a tenth has both. */
const BOTH = {
  must: ['random', 'other'].map((key) => ({ key, range: { lt: Math.round(PER_MILLE * Math.sqrt(0.1)) } })),
}

/** Name, filter, and which queries it is asked with. */
const FILTERS = [
  ...[1, 10, 100, 500, 900].map((perMille) => ({
    name: `${perMille / 10} % at random`,
    filter: { must: [{ key: 'random', range: { lt: perMille } }] },
    side: false,
  })),
  { name: '10 %, with the query', filter: { must: [{ key: 'side', match: { value: 0 } }] }, side: true },
  { name: '10 %, of two conditions', filter: BOTH, side: false },
  {
    name: '10 %, against the query',
    filter: { must: [{ key: 'side', match: { value: DECILES - 1 } }] },
    side: true,
  },
]

export async function recall({ data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const folder = workFolder(set, 'recall')
  rmSync(folder, { recursive: true, force: true })
  let db = await open(folder)
  const options = { vectors: { size: set.dim, distance: set.distance }, hnswConfig: { m, efConstruct } }
  let collection = await db.createCollection('bench', options)
  const { mixed, warming, pivot } = await ingest(collection, set)
  for (const key of ['random', 'other', 'side']) {
    await collection.createPayloadIndex(key, 'integer', { timeoutMs: 600_000 })
  }
  await allIndexed(collection)

  const heldOut = rowsOf(readMatrix(set.queriesFile))
  const queries = heldOut.slice(0, MOST_QUERIES)
  const nearPivot = [...heldOut].sort((a, b) => distance(a, pivot) - distance(b, pivot)).slice(0, SIDE_QUERIES)
  const rows = []
  const measureAll = async (kind, asked, of = collection, how = {}, targets = TARGETS) => {
    const truth = await answers(of, asked, { ...how, params: { exact: true } })
    for (const target of targets) rows.push(await measure(of, kind, asked, truth, { ...how, recall: target }))
  }
  await measureAll('held out', queries)
  for (const { name, filter, side } of FILTERS) {
    const targets = name.startsWith('10 %') ? TARGETS : [FILTER_TARGET]
    await measureAll(name, side ? nearPivot : queries, collection, { filter }, targets)
  }
  db = await liveThrough({ db, folder, set, efConstruct, random: seeded(SEED + 1) }, async (stage, of) => {
    await measureAll(stage, queries, of)
    await measureAll(`${stage}, of two conditions`, queries, of, { filter: BOTH })
  })
  collection = await db.collection('bench')
  const settling = await settle(collection, warming)
  await measureAll('of another kind', mixed)
  await db.close()
  rmSync(folder, { recursive: true, force: true })
  return { rows, settling }
}

/**
 * Ingests the set with a random number and a side as payload: the tenth that a row is in by its distance from a pivot.
 * Also makes queries of another kind, means of some rows each: those that are measured, and others to warm up with.
 */
async function ingest(collection, set) {
  const random = seeded(SEED)
  const pivot = Float32Array.from(readMatrix(set.queriesFile).row(0))
  const distances = []
  const mixed = Array.from({ length: MIXED_QUERIES + WARMING_QUERIES }, () => new Float32Array(set.dim))
  const draws = drawMixes(shape(set.base).count, random)
  for (const { from, rows, dim, data } of chunks(set.base, CHUNK_ROWS)) {
    const row = (at) => data.subarray((at - from) * dim, (at - from + 1) * dim)
    for (let at = from; at < from + rows; at++) distances.push(distance(row(at), pivot))
    while (draws.length > 0 && draws.at(-1).row < from + rows) {
      const { row: at, query } = draws.pop()
      for (const [i, value] of row(at).entries()) mixed[query][i] += value / MIXED_ROWS
    }
  }
  const bounds = decileBounds(distances)
  for (const { from, rows, data } of chunks(set.base, CHUNK_ROWS)) {
    const payloads = Array.from({ length: rows }, (_, i) => ({
      random: Math.floor(random() * PER_MILLE),
      other: Math.floor(random() * PER_MILLE),
      side: bounds.findIndex((bound) => distances[from + i] <= bound),
    }))
    await collection.upsert({ ids: Uint32Array.from({ length: rows }, (_, i) => from + i), vectors: data, payloads })
  }
  return { mixed: mixed.slice(0, MIXED_QUERIES), warming: mixed.slice(MIXED_QUERIES), pivot }
}

/** The rows that are mixed into each query, in the order in which rows come. */
function drawMixes(count, random) {
  const queries = MIXED_QUERIES + WARMING_QUERIES
  const draws = Array.from({ length: queries * MIXED_ROWS }, (_, at) => ({
    row: Math.floor(random() * count),
    query: at % queries,
  }))
  return draws.sort((a, b) => b.row - a.row)
}

function decileBounds(distances) {
  const sorted = Float64Array.from(distances).sort()
  return Array.from({ length: DECILES }, (_, at) => sorted[Math.ceil(((at + 1) * sorted.length) / DECILES) - 1])
}

const rowsOf = (matrix) => Array.from({ length: matrix.count }, (_, at) => matrix.row(at))

function distance(a, b) {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2
  return sum
}

async function answers(collection, queries, options) {
  const found = []
  for (const query of queries) {
    found.push((await collection.query({ query, limit: K, withPayload: false, ...options })).map(({ score }) => score))
  }
  return found
}

/** Asks, in step with nothing, until the collection is calibrated on such queries; answers how long that took. */
async function settle(collection, queries) {
  const started = performance.now()
  const recallNow = async () => (await collection.info()).recall['']
  const before = (await recallNow()).queries
  for (let from = 0; ; from = (from + WARMING_BATCH) % queries.length) {
    for (let at = from; at < from + WARMING_BATCH; at++) {
      const options = { query: queries[at], limit: K, withPayload: false, recall: TARGETS[at % TARGETS.length] }
      await collection.query(options)
    }
    const now = await recallNow()
    const ms = performance.now() - started
    const enough = now.samples.live > 0 ? NOTICED_QUERIES : SURE_QUERIES
    const isSettled = !now.settling && now.queries >= before + enough
    if (isSettled || ms > WARMING_MS) return { seconds: ms / 1000, compared: now.queries - before, ...now.samples }
  }
}

/** A row that scores as well as the last of the truth counts as found, so equal rows make no difference. */
async function measure(collection, kind, queries, truth, options) {
  await answers(collection, queries, options)
  const started = performance.now()
  const found = await answers(collection, queries, options)
  const seconds = (performance.now() - started) / 1000
  const shares = found.map((scores, q) => shareFound(scores, truth[q])).filter((share) => share !== null)
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length
  const asked = options.recall
  const low = mean - Z * Math.sqrt(variance / shares.length)
  return { kind, asked, recall: mean, low, queries: shares.length, qps: queries.length / seconds }
}

function shareFound(scores, truth) {
  if (truth.length === 0) return null
  const last = truth[truth.length - 1]
  const rises = truth[0] < last
  return scores.filter((score) => (rises ? score <= last : score >= last)).length / truth.length
}
