import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Collection, open, type QueryOptions } from '../../../../src/index.js'

const POINTS = 12_000
const SIZE = 24
const CLUSTERS = 60
/** One in this many points has the keyword. */
const SHARE = 4
const BATCH = 200
/** Several times the searches that pay for a graph of so few points. */
const MOST_ASKED = 400_000
const isByGraph = async (rows: Collection, key: string, using: string) =>
  (await rows.explain(asked(0, key, using))).plan.strategy.endsWith(' of value')

/** Deterministic and unordered. */
const random = (seed: number) => {
  const value = Math.sin(seed * 12.9898) * 43_758.5453
  return value - Math.floor(value)
}
const vector = (seed: number) => {
  const cluster = Math.floor(random(seed) * CLUSTERS)
  return Float32Array.from(
    { length: SIZE },
    (_, i) => random(cluster * SIZE + i + 0.5) + 0.3 * random(seed * SIZE + i + 1e6),
  )
}
const keywordOf = (id: number) => (Math.floor(random(id + 0.25) * SHARE) === 0 ? 'many' : `few-${id % 50}`)

async function tenants(folder: string): Promise<{ rows: Collection; close: () => Promise<void> }> {
  const database = await open(folder)
  const rows = await database.createCollection('rows', {
    vectors: {
      own: { size: SIZE, distance: 'Euclid' },
      plain: { size: SIZE, distance: 'Euclid', hnswConfig: { payloadM: 0 } },
    },
  })
  await rows.createPayloadIndex('tenant', 'keyword')
  await rows.createPayloadIndex('label', { type: 'keyword', enableHnsw: false })
  await rows.upsert(
    Array.from({ length: POINTS }, (_, id) => ({
      id,
      vector: { own: vector(id), plain: vector(id) },
      payload: { tenant: keywordOf(id), label: keywordOf(id) },
    })),
  )
  await rows.waitForIndex()
  return { rows, close: () => database.close() }
}

const asked = (seed: number, key: string, using: string): QueryOptions => ({
  query: vector(seed + 0.5),
  using,
  limit: 10,
  withPayload: false,
  filter: { must: [{ key, match: { value: 'many' } }] },
})

const ask = (rows: Collection, from: number, key: string, using: string) =>
  rows.queryBatch(Array.from({ length: BATCH }, (_, at) => asked(from + at, key, using)))

describe('a value graph of a keyword', () => {
  it('is made after enough searches, is used, and is earned again after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vicinal-values-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { rows, close } = await tenants(folder)
    expect(await isByGraph(rows, 'tenant', 'own')).toBe(false)
    const before = await rows.info()
    let count = 0
    for (; count < MOST_ASKED && !(await isByGraph(rows, 'tenant', 'own')); count += BATCH) {
      await ask(rows, count, 'tenant', 'own')
    }
    // Neither by an index nor for a vector that excludes value graphs.
    for (let at = 0; at < 2 * count; at += BATCH) {
      await ask(rows, at, 'label', 'own')
      await ask(rows, at, 'tenant', 'plain')
    }
    expect(count).toBeGreaterThan(BATCH)
    expect(count).toBeLessThan(MOST_ASKED)
    expect(await isByGraph(rows, 'label', 'own')).toBe(false)
    expect(await isByGraph(rows, 'tenant', 'plain')).toBe(false)
    expect((await rows.info()).indexedVectorsCount).toBe(before.indexedVectorsCount)

    const recall = await recallOf(rows)
    expect(recall).toBeGreaterThan(0.93)
    // New points are found at once.
    await rows.upsert([{ id: POINTS, vector: { own: vector(0.5), plain: vector(0.5) }, payload: { tenant: 'many' } }])
    const [nearest] = await rows.query(asked(0, 'tenant', 'own'))
    expect(nearest?.id).toBe(POINTS)
    await close()

    const again = await open(folder)
    onTestFinished(() => again.close())
    const reopened = await again.collection('rows')
    await reopened.waitForIndex()
    expect(await isByGraph(reopened, 'tenant', 'own')).toBe(false)
    expect(await recallOf(reopened)).toBeGreaterThan(0.93)
  })
})

async function recallOf(rows: Collection): Promise<number> {
  let hits = 0
  let wanted = 0
  for (let seed = 0; seed < 200; seed++) {
    const query = asked(seed, 'tenant', 'own')
    const truth = new Set((await rows.query({ ...query, params: { exact: true } })).map(({ id }) => id))
    wanted += truth.size
    for (const { id } of await rows.query(query)) hits += truth.has(id) ? 1 : 0
  }
  return hits / wanted
}
