import { expect, it, onTestFinished } from 'vitest'
import { type Collection, open } from '../../../../src/index.js'
import { startService } from '../../../contract/service.js'

const POINTS = 2000
const SIZE = 48

/** Enough that walks are cheaper than scans. */
const MANY = 12_000
const CLUSTERS = 40
const MIXED = 5
const ASKED = 0.9
const QUERIES = 300
const NONE = { queries: 0, measured: null, asked: null }

/** Deterministic and unordered. */
const vector = (seed: number) => Float32Array.from({ length: SIZE }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233))

it('compares some queries with a scan, and reports their requested and measured recall in info and metrics', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const rows = await database.createCollection('rows', { vectors: { size: SIZE, distance: 'Euclid' } })
  await rows.upsert(Array.from({ length: POINTS }, (_, id) => ({ id, vector: vector(id), payload: { kind: id % 3 } })))
  await rows.waitForIndex()
  expect((await rows.info()).recall).toEqual({
    '': { ...NONE, filtered: NONE, settling: false, samples: { stored: 400, live: 0 } },
  })

  // Queries that name a width or want everything request no recall, so they are not measured.
  for (let at = 0; at < 40; at++) {
    await rows.query({ query: vector(at + 0.5), params: { hnswEf: 16 } })
    await rows.query({ query: vector(at + 0.5), recall: 1 })
  }
  for (let at = 0; at < 80; at++) await rows.query({ query: vector(at + 0.5), recall: 0.9 })
  const filter = { must: [{ key: 'kind', match: { value: 1 } }] }
  for (let at = 0; at < 40; at++) await rows.query({ query: vector(at + 0.5), recall: 0.8, filter })
  const measured = async () => (await rows.info()).recall['']
  await expect.poll(async () => (await measured())?.queries).toBe(20)
  const recall = await measured()
  expect(recall?.asked).toBeCloseTo(0.9, 5)
  expect(recall?.measured).toBeGreaterThan(0.8)
  // A measurement that finds the cores busy is given up.
  let asked = 0
  const askMore = async () => {
    asked += 1
    await rows.query({ query: vector(asked + 0.25), recall: 0.8, filter })
    return (await measured())?.filtered.queries
  }
  await expect.poll(askMore).toBeGreaterThanOrEqual(10)
  const filtered = (await measured())?.filtered
  expect(filtered?.asked).toBeCloseTo(0.8, 5)
  expect(filtered?.measured).toBeGreaterThan(0.7)

  const service = await startService({ database })
  const { text } = await service.call('GET', '/metrics')
  expect(text).toContain('collection_recall_queries{id="rows",vector=""} 20')
  expect(text).toMatch(/\ncollection_filtered_recall_queries\{id="rows",vector=""\} \d\d\n/)
  expect(text).toMatch(/\ncollection_filtered_recall\{id="rows",vector=""\} (1|0\.[789]\d*)\n/)
})

/** Uniform in [0, 1), the same in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** In clusters, like embeddings. */
function clustered(random: () => number, count: number): Float32Array[] {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const ofCentres = seeded(1)
  const centres = Array.from({ length: CLUSTERS }, () => Float32Array.from({ length: SIZE }, () => ofCentres() * 4 - 2))
  return Array.from({ length: count }, () => {
    const centre = centres[Math.floor(random() * CLUSTERS)] as Float32Array
    return centre.map((value) => value + 0.7 * normal())
  })
}

/** Of another kind than the rows: means of several rows, which lie between the clusters. */
function mixtures(random: () => number, rows: Float32Array[], count: number): Float32Array[] {
  return Array.from({ length: count }, () => {
    const mean = new Float32Array(SIZE)
    for (let i = 0; i < MIXED; i++) {
      const row = rows[Math.floor(random() * rows.length)] as Float32Array
      for (const [at, value] of row.entries()) mean[at] = (mean[at] as number) + value / MIXED
    }
    return mean
  })
}

async function recallGot(rows: Collection, queries: Float32Array[]): Promise<number> {
  let sum = 0
  for (const query of queries) {
    const truth = await rows.query({ query, params: { exact: true } })
    const last = truth.at(-1)?.score as number
    const found = await rows.query({ query, recall: ASKED })
    sum += found.filter(({ score }) => score <= last).length / truth.length
  }
  return sum / queries.length
}

/** Queries until the space was calibrated on such queries. */
async function askUntilSettled(rows: Collection, queries: Float32Array[]): Promise<void> {
  const now = async () => (await rows.info()).recall['']
  const before = (await now())?.queries ?? 0
  await expect
    .poll(
      async () => {
        for (const query of queries) await rows.query({ query, recall: ASKED })
        const recall = await now()
        return recall && recall.queries >= before + 320 && !recall.settling && recall.samples.live
      },
      { timeout: 400_000, interval: 20 },
    )
    .toBeGreaterThan(0)
}

it('keeps the requested recall for queries of another kind, and again when callers change back', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const rows = await database.createCollection('rows', { vectors: { size: SIZE, distance: 'Euclid' } })
  const stored = clustered(seeded(2), MANY)
  await rows.upsert({
    ids: Uint32Array.from(stored.keys()),
    vectors: Float32Array.from(stored.flatMap((row) => [...row])),
  })
  await rows.waitForIndex()
  const strange = mixtures(seeded(3), stored, QUERIES)
  const atFirst = await recallGot(rows, strange)
  await askUntilSettled(rows, mixtures(seeded(4), stored, QUERIES))
  const adapted = await recallGot(rows, strange)
  expect(atFirst).toBeLessThan(ASKED - 0.03)
  expect(adapted).toBeGreaterThan(ASKED - 0.02)

  const usual = clustered(seeded(5), QUERIES)
  const wasteful = await recallGot(rows, usual)
  await askUntilSettled(rows, clustered(seeded(6), QUERIES))
  const back = await recallGot(rows, usual)
  expect(wasteful).toBeGreaterThan(ASKED + 0.04)
  expect(back).toBeGreaterThan(ASKED - 0.02)
  expect(back).toBeLessThan(wasteful)
}, 900_000)
