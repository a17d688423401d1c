// Ingestion of the whole data set, acknowledged durable, through the library and through the service as
// MessagePack columns, beside what the disk of the same folder takes. With `profile`, the service runs under
// Node's profiler and the answer says where its main thread spent the time.
import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { chunks, dataset, shape, workFolder } from '../lib/datasets.mjs'
import { openHttp, request } from '../lib/http.mjs'
import { threadSeconds, threadSecondsSince, timed } from '../lib/measure.mjs'
import { CODECS, onWire, startService, successful } from '../lib/service.mjs'
import { OURS, SYSTEMS } from '../systems/index.mjs'

const CHUNK_ROWS = 10_000
/** Requests under way at a time, so that the service receives one while it writes the other. */
const IN_FLIGHT = 2

export async function ingest({ data, limit, m, efConstruct, through, profile = false }) {
  const set = dataset(data, limit)
  const folder = workFolder(set, `ingest-${through}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(dirname(folder), { recursive: true })
  // All rows in memory first: reading them is not part of the measurement.
  const batches = [...chunks(set.base, CHUNK_ROWS)]
  const disk = diskRates(dirname(folder), batches)
  const { count, dim } = shape(set.base)
  const ways = { library: intoLibrary, service: intoService }
  const taken = await ways[through]({ folder, set, batches, count, m, efConstruct, profile })
  rmSync(folder, { recursive: true, force: true })
  const bytes = count * dim * 4
  const cores = cpus().length
  return {
    ...taken,
    through,
    points: count,
    pointsPerSecond: count / taken.seconds,
    bytesPerSecond: bytes / taken.seconds,
    disk,
    busyShare: taken.cpuSeconds / (taken.seconds * cores),
    cores,
  }
}

/** The same bytes, written one after the other to one new file: one fdatasync at the end, and one a batch. */
function diskRates(parent, batches) {
  const bytes = batches.reduce((sum, { data }) => sum + data.byteLength, 0)
  const rate = (syncEach) => {
    const folder = mkdtempSync(join(parent, 'disk-'))
    const started = performance.now()
    const fd = openSync(join(folder, 'file'), 'w')
    for (const { data } of batches) {
      writeSync(fd, new Uint8Array(data.buffer))
      if (syncEach) fdatasyncSync(fd)
    }
    fdatasyncSync(fd)
    closeSync(fd)
    const seconds = (performance.now() - started) / 1000
    rmSync(folder, { recursive: true })
    return bytes / seconds
  }
  const best = (syncEach) => Math.max(...[0, 1, 2].map(() => rate(syncEach)))
  return { oneSync: best(false), syncPerBatch: best(true) }
}

async function intoLibrary({ folder, set, batches, count, m, efConstruct }) {
  const adapter = await SYSTEMS[OURS]()
  const store = await adapter.create({ folder, set, capacity: count, m, efConstruct })
  const before = threadSeconds(process.pid)
  const took = await timed(() => inFlight(batches, (batch) => store.add(batch)))
  const threads = threadSecondsSince(process.pid, before)
  await store.close()
  return { seconds: took.wall, cpuSeconds: took.cpu, threads }
}

async function intoService({ folder, set, batches, m, efConstruct, profile }) {
  const profiles = `${folder}-profile`
  const server = await startService(folder, profile ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [])
  try {
    const vectors = { size: set.dim, distance: set.distance }
    await server.call('PUT', '/collections/bench', { vectors, hnsw_config: { m, ef_construct: efConstruct } })
    const idle = await Promise.all(Array.from({ length: IN_FLIGHT }, () => openHttp(server.port)))
    const before = threadSeconds(server.pid)
    const from = process.hrtime.bigint()
    const took = await timed(() => inFlight(batches, (batch) => putColumns(idle, server.port, batch)))
    const until = process.hrtime.bigint()
    const threads = threadSecondsSince(server.pid, before)
    for (const connection of idle) connection.close()
    const serverSeconds = Object.values(threads).reduce((sum, seconds) => sum + seconds, 0)
    await server.stop()
    return {
      seconds: took.wall,
      cpuSeconds: serverSeconds + took.cpu,
      clientSeconds: took.cpu,
      threads,
      mainThread: profile ? profileOf(profiles, from, until) : null,
    }
  } finally {
    await server.stop()
  }
}

async function putColumns(idle, port, { from, rows, data }) {
  const connection = idle.pop()
  const ids = BigUint64Array.from({ length: rows }, (_, i) => BigInt(from + i))
  const { type, encode } = CODECS.msgpack
  const body = encode({ batch: { ids: onWire(ids), vectors: onWire(data) } })
  successful(await connection.send(request('PUT', '/collections/bench/points?wait=true', body, type, port)))
  idle.push(connection)
}

async function inFlight(items, action) {
  let next = 0
  const lane = async () => {
    while (next < items.length) await action(items[next++])
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

/** Functions with the most time of their own while the points came in; the profiler writes when the process ends. */
function profileOf(folder, from, until) {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))
  if (!file) throw new Error('the profiler left no profile')
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  rmSync(folder, { recursive: true, force: true })
  return selfTimes(profile, Number(from / 1000n), Number(until / 1000n))
}

const TOP = 12

/** Both clocks count microseconds of the system's monotonic clock. */
function selfTimes({ nodes, samples, timeDeltas, startTime }, from, until) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const micros = new Map()
  let now = startTime
  samples.forEach((id, i) => {
    now += timeDeltas[i]
    if (now < from || now > until) return
    const name = names.get(id)
    micros.set(name, (micros.get(name) ?? 0) + timeDeltas[i])
  })
  const entries = [...micros].sort((a, b) => b[1] - a[1]).slice(0, TOP)
  return entries.map(([name, value]) => ({ name, share: value / (until - from), seconds: value / 1e6 }))
}

function nameOf({ functionName, url, lineNumber }) {
  const place = url ? ` ${url.replace(/^.*\/(?=(dist|node_modules)\/)/, '')}:${lineNumber + 1}` : ''
  return `${functionName || '(anonymous)'}${place}`
}
