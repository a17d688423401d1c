#!/usr/bin/env node
// Points a second into a service, durable and searchable, by form: JSON requests, JSON lines, columns of MessagePack and Arrow;
// beside the rate at which this disk takes the same bytes with fdatasync. And the memory of a service while points stream in.
//
//   node bench/ingest.mjs          [--rows 100000] [--dim 128] [--rounds 3] [--graph]
//   node bench/ingest.mjs --memory [--rows 1000000] [--dim 128] [--limit 640MiB]
//
// Without --graph the vector has `m: 0`, so that no build takes part. Bodies are made before the clock starts; rounds take turns
// and the answer has medians. Memory is the peak that the system counts for the process (VmHWM).
import { once } from 'node:events'
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { encodeRequest } from '../dist/wire/msgpack-request.js'
import { arrowChunks } from './lib/arrow-chunks.mjs'
import { seeded } from './lib/random.mjs'
import { withPlace } from './lib/store-nodes.mjs'
import { fixed, mb, round, table } from './lib/table.mjs'

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    dim: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '3' },
    limit: { type: 'string', default: '640MiB' },
    graph: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
  },
})
const DIM = Number(values.dim)
const ROWS = Number(values.rows ?? (values.memory ? 1_000_000 : 100_000))
const REQUEST_ROWS = 1_000
const COLUMN_ROWS = 8_192
const LANES = 2
const BLOCK_BYTES = 4 << 20

const random = seeded(38)
/** Vectors of a frame are windows of one block of numbers, so that making them costs the sender nothing. */
const numbers = Float32Array.from({ length: (COLUMN_ROWS + 1_000) * DIM }, () => random() - 0.5)
const vectorsFrom = (first, rows) => {
  if (rows <= COLUMN_ROWS) return numbers.subarray((first % 1_000) * DIM, ((first % 1_000) + rows) * DIM)
  const all = new Float32Array(rows * DIM)
  for (let at = 0; at < rows; at += COLUMN_ROWS)
    all.set(vectorsFrom(first + at, Math.min(COLUMN_ROWS, rows - at)), at * DIM)
  return all
}
const idsFrom = (first, rows) => Int32Array.from({ length: rows }, (_, at) => first + at)

function* frames(frameRows) {
  for (let first = 0; first < ROWS; first += frameRows) yield [first, Math.min(frameRows, ROWS - first)]
}

const arrowOf = (frameRows) =>
  arrowChunks(
    DIM,
    [...frames(frameRows)].map(([first, rows]) => ({ ids: idsFrom(first, rows), vectors: vectorsFrom(first, rows) })),
  )

const pointsOf = ([first, rows]) => {
  const vectors = vectorsFrom(first, rows)
  return Array.from({ length: rows }, (_, at) => ({
    id: first + at,
    vector: Array.from(vectors.subarray(at * DIM, (at + 1) * DIM)),
  }))
}

const jsonOf = (frame) => Buffer.from(JSON.stringify({ points: pointsOf(frame) }))
const linesOf = (frame) =>
  Buffer.from(
    pointsOf(frame)
      .map((point) => `${JSON.stringify(point)}\n`)
      .join(''),
  )
const columnsOf = ([first, rows]) =>
  encodeRequest({ batch: { ids: idsFrom(first, rows), vectors: vectorsFrom(first, rows) } })

const FORMS = {
  'JSON, requests of 1,000': { type: 'application/json', bodies: () => [...frames(REQUEST_ROWS)].map(jsonOf) },
  'JSON lines, a stream': {
    type: 'application/x-ndjson',
    isStream: true,
    bodies: () => [...frames(REQUEST_ROWS)].map(linesOf),
  },
  'MessagePack columns, requests of 8,192': {
    type: 'application/msgpack',
    bodies: () => [...frames(COLUMN_ROWS)].map(columnsOf),
  },
  'Arrow, a stream': {
    type: 'application/vnd.apache.arrow.stream',
    isStream: true,
    bodies: () => arrowOf(COLUMN_ROWS),
  },
}

/** Sends a body and resolves to the text of its answer. */
async function send(node, method, at, type, chunks) {
  const sent = request(node.url + at, { method, headers: { 'content-type': type } })
  const [[answer]] = await Promise.all([once(sent, 'response'), pipeline(Readable.from(chunks), sent)])
  const told = (await answer.setEncoding('utf8').toArray()).join('')
  if (answer.statusCode !== 200) throw new Error(`${method} ${at}: ${answer.statusCode} ${told}`)
  return told
}

async function stream(node, collection, type, chunks) {
  const lines = (await send(node, 'POST', `/collections/${collection}/ingest`, type, chunks)).trim().split('\n')
  const { result, status } = JSON.parse(lines.at(-1))
  if (status !== 'ok' || result.accepted !== ROWS) throw new Error(`${type}: ${lines.at(-1)}`)
}

async function requests(node, collection, type, bodies) {
  const left = bodies.values()
  const lane = async () => {
    for (const body of left) await send(node, 'PUT', `/collections/${collection}/points?wait=true`, type, [body])
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

const configured = { size: DIM, distance: 'Dot', ...(values.graph ? {} : { hnsw_config: { m: 0 } }) }

/** Points a second of a fresh collection. */
async function rateOf(node, name, { type, isStream }, bodies) {
  await node.must('PUT', `/collections/${name}`, { vectors: configured })
  const startedMs = performance.now()
  await (isStream ? stream : requests)(node, name, type, bodies)
  const seconds = (performance.now() - startedMs) / 1000
  const { count } = await node.must('POST', `/collections/${name}/points/count`, { exact: true })
  if (count !== ROWS) throw new Error(`${name}: ${count} points of ${ROWS}`)
  await node.must('DELETE', `/collections/${name}`)
  return ROWS / seconds
}

/** Rows a second that the disk takes: the bytes of their vectors, in blocks with fdatasync after each. */
function diskRate(root) {
  const file = openSync(join(root, 'blocks'), 'w')
  const block = Buffer.alloc(BLOCK_BYTES, 1)
  const bytes = ROWS * DIM * 4
  const startedMs = performance.now()
  for (let at = 0; at < bytes; at += BLOCK_BYTES) {
    writeSync(file, block, 0, Math.min(BLOCK_BYTES, bytes - at))
    fdatasyncSync(file)
  }
  closeSync(file)
  return ROWS / ((performance.now() - startedMs) / 1000)
}

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]

const rates = () =>
  withPlace(async ({ root, node: openNode }) => {
    const node = await openNode('node', {})
    const bodies = {}
    for (const [name, form] of Object.entries(FORMS)) bodies[name] = await form.bodies()
    const found = Object.fromEntries([...Object.keys(FORMS), 'disk'].map((name) => [name, []]))
    for (let at = 0; at < Number(values.rounds); at++) {
      for (const [name, form] of Object.entries(FORMS))
        found[name].push(await rateOf(node, 'bench', form, bodies[name]))
      found.disk.push(diskRate(root))
    }
    const json = median(found['JSON, requests of 1,000'])
    const disk = median(found.disk)
    const bytesOf = (name) => bodies[name].reduce((sum, { byteLength }) => sum + byteLength, 0)
    return table(
      ['form', 'bytes a point', 'points/s', '× JSON', 'share of the disk'],
      [...Object.keys(FORMS), 'disk'].map((name) => {
        const rate = median(found[name])
        const bytes = name === 'disk' ? DIM * 4 : bytesOf(name) / ROWS
        return [name, round(bytes), round(rate), fixed(rate / json), fixed(rate / disk)]
      }),
    )
  })

const peakOf = (pid) => Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024

async function memory() {
  const rows = []
  for (const frameRows of [COLUMN_ROWS, 10 * COLUMN_ROWS]) {
    const found = await withPlace(async ({ node: openNode }) => {
      const node = await openNode('node', { args: ['--memory-limit', values.limit] })
      await node.must('PUT', '/collections/bench', { vectors: configured })
      const before = peakOf(node.pid)
      const chunks = await arrowOf(frameRows)
      const startedMs = performance.now()
      await stream(node, 'bench', 'application/vnd.apache.arrow.stream', chunks)
      return { before, peak: peakOf(node.pid), seconds: (performance.now() - startedMs) / 1000 }
    })
    const { before, peak, seconds } = found
    rows.push([round(frameRows), mb(frameRows * DIM * 4), values.limit, mb(before), mb(peak), round(ROWS / seconds)])
  }
  return table(['rows a frame', 'bytes', '--memory-limit', 'at rest', 'peak', 'points/s'], rows)
}

process.stdout.write(`\n${round(ROWS)} points of ${DIM} dimensions, ${values.graph ? 'with a graph' : 'm: 0'}\n\n`)
process.stdout.write(`${await (values.memory ? memory() : rates())}\n`)
process.exit(0)
