// A database on an object store, in steps of a process each: written, seen by a reader, opened by a node with nothing.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { open } from '../../dist/index.js'
import { chunks, dataset, K, readMatrix } from '../lib/datasets.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const NAME = 'bench'
const BATCH_ROWS = 1000
const IN_FLIGHT = 2
const WRITES_SEEN = 200
const QUERIES_AFTER = 200

const opened = ({ address, env, cache }, options = {}) => {
  Object.assign(process.env, env)
  return open(address, address.includes('://') ? { cache, ...options } : options)
}

function percentiles(millis) {
  const sorted = Float64Array.from(millis).sort()
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return { p50: at(0.5), p99: at(0.99) }
}

/** Points a second acknowledged, in batches with two under way; then the build of the index alone. */
export async function storeWrite({ limit, ...place }) {
  const set = dataset('words', limit)
  const batches = [...chunks(set.base, BATCH_ROWS)]
  const db = await opened(place)
  const collection = await db.createCollection(NAME, { vectors: { size: set.dim, distance: set.distance } })
  const acknowledged = []
  const started = performance.now()
  let next = 0
  const lane = async () => {
    while (next < batches.length) {
      const { from, rows, data } = batches[next++]
      const before = performance.now()
      await collection.upsert({ ids: Uint32Array.from({ length: rows }, (_, i) => from + i), vectors: data })
      acknowledged.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  const seconds = (performance.now() - started) / 1000
  await allIndexed(collection)
  await collection.flush()
  // The graph again from the rows, as a node without segments would have to make it.
  const rebuilt = performance.now()
  await rebuild(set)
  const buildSeconds = (performance.now() - rebuilt) / 1000
  await db.close()
  const points = batches.reduce((sum, { rows }) => sum + rows, 0)
  return { points, pointsPerSecond: points / seconds, acknowledged: percentiles(acknowledged), buildSeconds }
}

/** In memory: what an index of the same rows takes, without a log or a table. */
async function rebuild(set) {
  const db = await open(':memory:')
  const collection = await db.createCollection(NAME, { vectors: { size: set.dim, distance: set.distance } })
  for (const { from, rows, data } of chunks(set.base, BATCH_ROWS)) {
    await collection.upsert({ ids: Uint32Array.from({ length: rows }, (_, i) => from + i), vectors: data })
  }
  await allIndexed(collection)
  await db.close()
}

/** Milliseconds from the call of a write until a reader finds its point. */
export async function storeLag({ limit, reader, ...place }) {
  const set = dataset('words', limit)
  const db = await opened(place)
  const reading = await opened({ ...place, cache: reader }, { readOnly: true })
  const collection = await db.collection(NAME)
  const seen = await reading.collection(NAME)
  const found = []
  const [{ data }] = chunks(set.base, 1)
  for (let at = 0; at < WRITES_SEEN; at++) {
    const id = 1_000_000_000 + at
    const before = performance.now()
    await collection.upsert([{ id, vector: data }])
    while (!(await seen.get(id))) await turn()
    found.push(performance.now() - before)
  }
  await reading.close()
  await db.close()
  return percentiles(found)
}

/** A node without a cache: seconds until its first answer, and bytes it has fetched by then and some queries later. */
export async function storeCold({ limit, ...place }) {
  const set = dataset('words', limit)
  const queries = readMatrix(set.queriesFile)
  const started = performance.now()
  const db = await opened(place, { readOnly: true })
  const collection = await db.collection(NAME)
  const hits = await collection.query({ query: queries.row(0), limit: K })
  const firstAnswerSeconds = (performance.now() - started) / 1000
  if (hits.length !== K) throw new Error(`the first answer has ${hits.length} hits`)
  const bytesAtFirst = bytesBelow(place.cache)
  for (let at = 0; at < QUERIES_AFTER; at++) await collection.query({ query: queries.row(at), limit: K })
  const bytesAfter = bytesBelow(place.cache)
  await db.close()
  return { firstAnswerSeconds, bytesAtFirst, bytesAfter }
}

const bytesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
