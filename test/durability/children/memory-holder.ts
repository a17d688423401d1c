/**
 * Holds a collection and prints its memory table beside the system's figures: `memory-holder MODE FOLDER`. MODE is
 * `empty` (a process without points), `build` or `reopen`.
 */
import { readFileSync } from 'node:fs'
import { type Collection, type Database, open } from '../../../src/index.js'

export const POINTS = 60_000
export const SIZE = 256
const BATCH = 2_000
const CENTRES = 50
const QUERIES = 200

const [mode, folder] = process.argv.slice(2) as [string, string]
const database = await open(mode === 'empty' ? ':memory:' : folder)
const collection = mode === 'reopen' ? await database.collection('held') : await make(database)
if (mode === 'build') await fill(collection)
if (mode !== 'empty') await ask(collection)
const { memory } = await collection.info()
process.stdout.write(
  `${JSON.stringify({ memory, residentBytes: residentBytes(), points: await collection.count() })}\n`,
)
await database.close()

async function make(into: Database): Promise<Collection> {
  const made = await into.createCollection('held', {
    vectors: { size: SIZE, distance: 'Cosine' },
    hnswConfig: { m: 16, efConstruct: 64 },
  })
  await made.createPayloadIndex('group', 'keyword')
  await made.createPayloadIndex('price', 'float')
  return made
}

async function fill(into: Collection): Promise<void> {
  for (let from = 0; from < POINTS; from += BATCH) {
    const ids = Array.from({ length: BATCH }, (_, at) => from + at)
    const vectors = new Float32Array(BATCH * SIZE)
    for (let at = 0; at < BATCH; at++) fillVector(vectors.subarray(at * SIZE, (at + 1) * SIZE), from + at)
    await into.upsert({ ids, vectors, payloads: ids.map(payloadOf) })
  }
  await into.waitForIndex({ timeoutMs: 600_000 })
  await into.flush()
}

async function ask(held: Collection): Promise<void> {
  const vector = new Float32Array(SIZE)
  for (let at = 0; at < QUERIES; at++) {
    fillVector(vector, at * 31)
    await held.query({
      query: vector,
      limit: 10,
      filter: { must: [{ key: 'group', match: { value: `group ${at}` } }] },
    })
    await held.query({ query: vector, limit: 10 })
  }
}

function payloadOf(id: number): Record<string, unknown> {
  return { group: `group ${id % 1000}`, price: (id * 7919) % 10_007, text: `point ${id} `.repeat(8) }
}

/** A vector around one of some centres; always the same for one id. */
function fillVector(vector: Float32Array, id: number): void {
  const centre = id % CENTRES
  let state = id * 2_654_435_761 + 1
  for (let at = 0; at < vector.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    vector[at] = Math.sin(centre * 12.9898 + at * 78.233) + state / 2 ** 32 - 0.5
  }
}

function residentBytes(): number {
  return Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1]) * 1024
}
