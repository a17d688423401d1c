// Searches while points are inserted at a steady rate, through the library and through the service. Measured are the
// rate beside that without inserts, the recall meanwhile, and the time until a write is acknowledged. With and without
// take turns, so that a slow minute of the machine meets both.
import { rmSync } from 'node:fs'
import { open } from '../../dist/index.js'
import { chunks, dataset, K, readMatrix, shape, workFolder } from '../lib/datasets.mjs'
import { bodyOf, request } from '../lib/http.mjs'
import { load } from '../lib/load.mjs'
import { CODECS, onWire, startService } from '../lib/service.mjs'
import { allIndexed } from '../systems/vicinal.mjs'

const RECALL = 0.95
const INSERTS_PER_SECOND = 500
const ROUNDS = 7
const SECONDS = 3
const TINY_SECONDS = 1
/** Of the same load, before anything is measured: V8 compiles a write's functions only after thousands of them. */
const WARM_SECONDS = 8
const CHUNK_ROWS = 5000
/** Requests in flight: searches, and at most so many writes that wait for their acknowledgement. */
const SEARCHES = { library: 1, service: 8 }
const WRITERS = 32
const CODEC = 'msgpack'

export async function mixed({ data, limit, m, efConstruct, through, tiny }) {
  const seconds = tiny ? TINY_SECONDS : SECONDS
  const warmSeconds = tiny ? TINY_SECONDS : WARM_SECONDS
  const set = dataset(data, limit)
  const folder = workFolder(set, `mixed-${through}`)
  rmSync(folder, { recursive: true, force: true })
  const { count } = shape(set.base)
  // Half of the rows at most are inserted later, which are enough for fewer rounds in a trial.
  const most = Math.floor((count / 2 / INSERTS_PER_SECOND - warmSeconds) / seconds)
  const rounds = tiny ? 1 : Math.max(1, Math.min(ROUNDS, most))
  const inserts = INSERTS_PER_SECOND * (warmSeconds + rounds * seconds)
  // Spread over the data, so that they are no other kind of point.
  const every = Math.max(2, Math.floor(count / inserts))
  const isLater = (row) => row % every === 0 && row / every < inserts
  const ways = { library: throughLibrary, service: throughService }
  const way = await ways[through]({ folder, set, m, efConstruct })
  const later = await fillNow(way, set, isLater)
  await way.settled()
  const asking = questions(set, isLater)
  await way.run(asking, warmSeconds, later.splice(0, INSERTS_PER_SECOND * warmSeconds))
  const without = []
  const during = []
  for (let round = 0; round < rounds; round++) {
    await way.settled()
    without.push(await way.run(asking, seconds, []))
    during.push(await way.run(asking, seconds, later.splice(0, INSERTS_PER_SECOND * seconds)))
  }
  await way.close()
  rmSync(folder, { recursive: true, force: true })
  const writes = during.map((run) => run.writes)
  const written = writes.flatMap(({ micros }) => micros)
  return {
    through,
    searches: SEARCHES[through],
    without: searched(without),
    during: searched(during),
    ratios: during.map((run, at) => rateOf(run) / rateOf(without[at])),
    writes: { perSecond: written.length / sum(writes, ({ seconds }) => seconds), ...percentiles(written) },
    insertsPerSecond: INSERTS_PER_SECOND,
    asked: RECALL,
  }
}

const sum = (all, of) => all.reduce((total, one) => total + of(one), 0)
const rateOf = ({ seconds, micros }) => micros.length / seconds

function searched(runs) {
  const micros = runs.flatMap((run) => [...run.micros])
  const recall = sum(runs, (run) => run.recall * run.micros.length) / micros.length
  return { qps: micros.length / sum(runs, ({ seconds }) => seconds), recall, ...percentiles(micros) }
}

/** The share of the wanted neighbours that is found, counted answer by answer. */
class Recall {
  #hits = 0
  #wanted = 0

  count({ wanted }, ids) {
    this.#wanted += wanted.length
    for (const row of wanted) if (ids.includes(row)) this.#hits++
  }

  get share() {
    return this.#hits / this.#wanted
  }
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
 * A row among the nearest of all rows is among the nearest of any part that has it. So the truth is cut to rows that are
 * there from the beginning, however many were inserted since.
 */
function questions(set, isLater) {
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)
  return Array.from({ length: matrix.count }, (_, q) => ({
    query: matrix.row(q),
    wanted: [...truth.row(q)].filter((row) => !isLater(row)),
  }))
}

/** Asks one query after the other, each waited for. */
async function searching(collection, asking, seconds) {
  const micros = []
  const recall = new Recall()
  const started = performance.now()
  const until = started + seconds * 1000
  for (let at = 0; performance.now() < until; at = (at + 1) % asking.length) {
    const before = performance.now()
    const points = await collection.query({
      query: asking[at].query,
      limit: K,
      recall: RECALL,
      withPayload: false,
    })
    micros.push((performance.now() - before) * 1000)
    recall.count(
      asking[at],
      points.map(({ id }) => id),
    )
  }
  return { seconds: (performance.now() - started) / 1000, micros, recall: recall.share }
}

/** Each has its time, and its latency counts from then on, also where earlier ones are late. */
async function inserting(collection, points) {
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
      await collection.upsert([points[at]], { wait: true })
      micros.push((performance.now() - from) * 1000)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, lane))
  return { seconds: (performance.now() - started) / 1000, micros }
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
    fill: (ids, vectors) => collection.upsert({ ids: Uint32Array.from(ids), vectors }),
    settled: () => allIndexed(collection),
    async run(asking, seconds, points) {
      const [found, writes] = await Promise.all([searching(collection, asking, seconds), inserting(collection, points)])
      return { ...found, writes }
    },
    close: () => db.close(),
  }
}

async function throughService({ folder, set, m, efConstruct }) {
  const server = await startService(folder)
  const { port } = server
  const { type, encode, decode } = CODECS[CODEC]
  const vectors = { size: set.dim, distance: set.distance }
  await server.call('PUT', '/collections/bench', { vectors, hnsw_config: { m, ef_construct: efConstruct } })
  const bytesOf = (method, path, body) => Buffer.concat(request(method, path, encode(body), type, port))
  const search = ({ query }) =>
    bytesOf('POST', '/collections/bench/points/query', {
      query: onWire(query),
      limit: K,
      params: { recall: RECALL },
      with_payload: false,
    })
  const points = '/collections/bench/points?wait=true'
  const insert = ({ id, vector }) => bytesOf('PUT', points, { points: [{ id, vector: onWire(vector) }] })
  return {
    fill(ids, data) {
      const numbers = BigUint64Array.from(ids, BigInt)
      return server.call('PUT', points, { batch: { ids: onWire(numbers), vectors: onWire(data) } }, CODEC)
    },
    settled: () => server.call('POST', '/collections/bench/wait-for-index', {}),
    async run(asking, seconds, later) {
      const { passes, writes, answers } = await load({
        port,
        protocol: 'http',
        requests: asking.map(search),
        connections: SEARCHES.service,
        seconds,
        writes: { requests: later.map(insert), connections: WRITERS, perSecond: INSERTS_PER_SECOND },
      })
      const recall = new Recall()
      for (const { at, bytes } of answers) {
        const found = decode(bodyOf(bytes)).result.points
        recall.count(
          asking[at],
          found.map(({ id }) => id),
        )
      }
      return { ...passes[0], writes, recall: recall.share }
    },
    close: () => server.stop(),
  }
}
