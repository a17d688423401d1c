// Searching while points are inserted at a steady rate, through the library and through the service: the rate of
// searches beside the one without inserts, the recall meanwhile, and how long a write takes to be acknowledged.
import { rmSync } from 'node:fs'
import { open } from '../../dist/index.js'
import { chunks, dataset, K, readMatrix, shape, workFolder } from '../lib/datasets.mjs'
import { HttpConnection, request } from '../lib/http-connection.mjs'
import { CODECS, onWire, startService, successful } from '../lib/service.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const RECALL = 0.95
const INSERTS_PER_SECOND = 500
const SECONDS = 10
const TINY_SECONDS = 1
const WARM_SECONDS = 2
const CHUNK_ROWS = 5000
/** Requests in flight: searches, and at most so many writes that wait for their acknowledgement. */
const SEARCHES = { library: 1, service: 8 }
const WRITERS = 32
const CODEC = 'msgpack'

export async function mixed({ data, limit, m, efConstruct, through, tiny }) {
  const seconds = tiny ? TINY_SECONDS : SECONDS
  const set = dataset(data, limit)
  const folder = workFolder(set, `mixed-${through}`)
  rmSync(folder, { recursive: true, force: true })
  const { count } = shape(set.base)
  // What is inserted later is spread over the data, so that it is no other kind of point.
  const inserts = INSERTS_PER_SECOND * seconds
  const every = Math.max(2, Math.floor(count / inserts))
  const isLater = (row) => row % every === 0 && row / every < inserts
  const ways = { library: throughLibrary, service: throughService }
  const way = await ways[through]({ folder, set, m, efConstruct })
  const later = await fillNow(way, set, isLater)
  await way.settled()
  const asking = questions(set, isLater)
  await way.connect()
  await searching(way, asking, Math.min(seconds, WARM_SECONDS))
  const without = await searching(way, asking, seconds)
  await way.connect()
  const [during, writes] = await Promise.all([searching(way, asking, seconds), inserting(way, later)])
  await way.close()
  rmSync(folder, { recursive: true, force: true })
  return { through, searches: SEARCHES[through], without, during, writes, insertsPerSecond: INSERTS_PER_SECOND }
}

async function fillNow(way, set, isLater) {
  const later = []
  for (const { from, rows, dim, data } of chunks(set.base, CHUNK_ROWS)) {
    const kept = []
    for (let i = 0; i < rows; i++) {
      const vector = data.subarray(i * dim, (i + 1) * dim)
      if (isLater(from + i)) later.push({ id: from + i, vector: Float32Array.from(vector) })
      else kept.push({ id: from + i, vector })
    }
    const vectors = new Float32Array(kept.length * dim)
    for (const [i, { vector }] of kept.entries()) vectors.set(vector, i * dim)
    await way.fill(
      kept.map(({ id }) => id),
      vectors,
    )
  }
  return later
}

/**
 * Whoever is among the nearest of all rows is among the nearest of any part of them that has it. So what is looked
 * for are those of the truth that are there from the beginning, however many were inserted since.
 */
function questions(set, isLater) {
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)
  return Array.from({ length: matrix.count }, (_, q) => ({
    query: matrix.row(q),
    wanted: [...truth.row(q)].filter((row) => !isLater(row)),
  }))
}

async function searching(way, asking, seconds) {
  const micros = []
  let hits = 0
  let wanted = 0
  let next = 0
  const started = performance.now()
  const until = started + seconds * 1000
  const lane = async () => {
    while (performance.now() < until) {
      const one = asking[next++ % asking.length]
      const before = performance.now()
      const found = await way.search(one)
      micros.push((performance.now() - before) * 1000)
      wanted += one.wanted.length
      for (const row of one.wanted) if (found.includes(row)) hits++
    }
  }
  await Promise.all(Array.from({ length: SEARCHES[way.name] }, lane))
  const qps = micros.length / ((performance.now() - started) / 1000)
  return { qps, recall: hits / wanted, ...percentiles(micros) }
}

/** Each has its time, and its latency counts from then on, also where earlier ones are late. */
async function inserting(way, points) {
  const micros = []
  const started = performance.now()
  let next = 0
  const lane = async () => {
    while (next < points.length) {
      const at = next++
      const due = started + (at * 1000) / INSERTS_PER_SECOND
      const early = due - performance.now()
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
      // A timer that was called late is the harness's delay, not the write's.
      const from = early > 0 ? performance.now() : due
      await way.insert(points[at])
      micros.push((performance.now() - from) * 1000)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, lane))
  const seconds = (performance.now() - started) / 1000
  return { perSecond: points.length / seconds, ...percentiles(micros) }
}

function percentiles(micros) {
  const all = Float64Array.from(micros).sort()
  const at = (share) => all[Math.min(all.length - 1, Math.floor(all.length * share))]
  return { p50: at(0.5), p99: at(0.99), most: all.at(-1) }
}

async function throughLibrary({ folder, set, m, efConstruct }) {
  const db = await open(folder)
  const options = { vectors: { size: set.dim, distance: set.distance }, hnswConfig: { m, efConstruct } }
  const collection = await db.createCollection('bench', options)
  return {
    name: 'library',
    fill: (ids, vectors) => collection.upsert({ ids: Uint32Array.from(ids), vectors }),
    settled: () => allIndexed(collection),
    connect() {},
    async search({ query }) {
      return (await collection.query({ query, limit: K, recall: RECALL, withPayload: false })).map(({ id }) => id)
    },
    insert: ({ id, vector }) => collection.upsert([{ id, vector }], { wait: true }),
    close: () => db.close(),
  }
}

async function throughService({ folder, set, m, efConstruct }) {
  const server = await startService(folder)
  const { type, encode, decode } = CODECS[CODEC]
  const vectors = { size: set.dim, distance: set.distance }
  await server.call('PUT', '/collections/bench', { vectors, hnsw_config: { m, ef_construct: efConstruct } })
  let free = []
  const disconnect = () => {
    for (const connection of free) connection.close()
  }
  const send = async (method, path, body) => {
    const connection = free.pop()
    const answer = successful(await connection.send(request(method, path, encode(body), type, server.port)))
    free.push(connection)
    return answer
  }
  const points = '/collections/bench/points?wait=true'
  return {
    name: 'service',
    fill(ids, data) {
      const numbers = BigUint64Array.from(ids, BigInt)
      return server.call('PUT', points, { batch: { ids: onWire(numbers), vectors: onWire(data) } }, CODEC)
    },
    settled: () => server.call('POST', '/collections/bench/wait-for-index', {}),
    // Anew before each part: the service ends connections that were idle for long.
    async connect() {
      disconnect()
      const wanted = SEARCHES.service + WRITERS
      free = await Promise.all(Array.from({ length: wanted }, () => HttpConnection.open(server.port)))
    },
    async search({ query }) {
      const body = { query: onWire(query), limit: K, params: { recall: RECALL }, with_payload: false }
      const answer = await send('POST', '/collections/bench/points/query', body)
      return decode(answer.body).result.points.map(({ id }) => id)
    },
    insert: ({ id, vector }) => send('PUT', points, { points: [{ id, vector: onWire(vector) }] }),
    async close() {
      disconnect()
      await server.stop()
    },
  }
}
