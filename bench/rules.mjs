// What rules cost: the same points into a collection without rules, with all rules but near duplicates, and with those
// too. One row in a hundred is broken. Durable, through the library: columns one after the other, and streams of Arrow and of
// JSON lines.
//
//   node bench/rules.mjs [--rows 40000] [--dim 128] [--rounds 3]
//
// Rows of the answer are medians of rounds, which take turns. The share is of the points a second without rules.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { open } from '../dist/index.js'
import { arrowChunks } from './lib/arrow-chunks.mjs'

const { values } = parseArgs({
  options: { rows: { type: 'string' }, dim: { type: 'string' }, rounds: { type: 'string' } },
})
const ROWS = Number(values.rows ?? 40_000)
const DIM = Number(values.dim ?? 128)
const ROUNDS = Number(values.rounds ?? 3)
const BATCH = 5_000
const BAD_EVERY = 100
/** mulberry32, so that every round has the same points. */
let state = 38
function random() {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const RULES = [
  { check: 'finite', action: 'quarantine' },
  { check: 'dimension', action: 'reject' },
  { check: 'zero', action: 'reject' },
  { check: 'norm', min: 0.1, max: 1_000, action: 'quarantine' },
  { check: 'duplicate', window: 1_000, action: 'quarantine' },
  { check: 'missing', action: 'reject' },
  { check: 'payload', key: 'price', type: 'number', required: true, min: 0, max: 100, action: 'flag' },
]
const NEAR = { check: 'near_duplicate', threshold: 0.9999, action: 'reject' }
const KINDS = { none: null, rules: RULES, near: [...RULES, NEAR] }

const vectors = Float32Array.from({ length: ROWS * DIM }, () => random() - 0.5)
const payloads = Array.from({ length: ROWS }, (_, row) => ({ name: `picture ${row}`, price: random() * 100 }))
for (let row = BAD_EVERY - 1; row < ROWS; row += BAD_EVERY) vectors.fill(0, row * DIM, (row + 1) * DIM)
const lines = payloads.map((payload, id) =>
  Buffer.from(`${JSON.stringify({ id, vector: Array.from(vectors.subarray(id * DIM, (id + 1) * DIM)), payload })}\n`),
)

async function asColumns(collection) {
  for (let from = 0; from < ROWS; from += BATCH) {
    const to = Math.min(ROWS, from + BATCH)
    const ids = Uint32Array.from({ length: to - from }, (_, at) => from + at)
    const columns = { ids, vectors: vectors.subarray(from * DIM, to * DIM), payloads: payloads.slice(from, to) }
    await collection.upsert(columns)
  }
}
const arrow = await arrowChunks(
  DIM,
  Array.from({ length: Math.ceil(ROWS / BATCH) }, (_, at) => {
    const [from, to] = [at * BATCH, Math.min(ROWS, (at + 1) * BATCH)]
    const some = payloads.slice(from, to)
    return {
      ids: Int32Array.from({ length: to - from }, (_, row) => from + row),
      vectors: vectors.subarray(from * DIM, to * DIM),
      texts: { name: some.map(({ name }) => name) },
      numbers: { price: Float64Array.from(some, ({ price }) => price) },
    }
  }),
)
const asArrow = (collection) =>
  collection.ingest(arrow, { type: 'application/vnd.apache.arrow.stream', source: { name: 'bench' } })
const asLines = (collection) => collection.ingest(lines, { type: 'application/x-ndjson', source: { name: 'bench' } })

async function measure(write, rules) {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-rules-'))
  const database = await open(folder)
  const ingestion = rules ? { ingestion: { quarantine: 'quarantine', rules } } : {}
  const collection = await database.createCollection('bench', {
    vectors: { size: DIM, distance: 'Cosine' },
    ...ingestion,
  })
  const cpu = process.cpuUsage()
  const started = performance.now()
  await write(collection)
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  await database.close()
  rmSync(folder, { recursive: true })
  return { seconds, cpuSeconds: (user + system) / 1e6 }
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
for (const [way, write] of Object.entries({ columns: asColumns, arrow: asArrow, lines: asLines })) {
  const taken = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]))
  for (let round = 0; round < ROUNDS; round++)
    for (const [kind, rules] of Object.entries(KINDS)) taken[kind].push(await measure(write, rules))
  const secondsOf = (kind) => median(taken[kind].map(({ seconds }) => seconds))
  for (const kind of Object.keys(KINDS)) {
    const rate = Math.round(ROWS / secondsOf(kind))
    const share = (secondsOf('none') / secondsOf(kind)).toFixed(2)
    const cpuSeconds = median(taken[kind].map((one) => one.cpuSeconds)).toFixed(2)
    process.stdout.write(`${way} ${kind}: ${rate} points/s, share ${share}, ${cpuSeconds} s of CPU\n`)
  }
}
