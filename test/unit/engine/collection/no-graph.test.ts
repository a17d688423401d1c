/** Vectors with `m` 0 have codes and no graph, and are scanned. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Collection } from '../../../../src/core/database.js'
import { open } from '../../../../src/index.js'
import { clusteredVectors } from '../../native/shard-data.js'

const POINTS = 5000
const SIZE = 64

async function filled(folder: string, m: number) {
  const vectors = await clusteredVectors(POINTS, SIZE, 11)
  const database = await open(folder)
  onTestFinished(() => database.close())
  const collection = await database.createCollection('rows', {
    vectors: { size: SIZE, distance: 'Cosine', hnswConfig: { m } },
  })
  const payloads = Array.from({ length: POINTS }, (_, i) => ({ half: i % 2 }))
  await collection.upsert({ ids: Uint32Array.from({ length: POINTS }, (_, i) => i), vectors, payloads })
  await collection.delete([1, 2, 3])
  await collection.waitForIndex()
  return { database, collection, queries: [7, 999, 4321].map((at) => vectors.slice(at * SIZE, (at + 1) * SIZE)) }
}

/** Checks that results are those of a scan, and returns the strategies. */
async function explained(collection: Collection, queries: readonly Float32Array[]) {
  const filter = { must: [{ key: 'half', match: { value: 1 } }] }
  const plans = []
  for (const query of queries)
    for (const asked of [{}, { filter }, { params: { hnswEf: 64 } }, { params: { indexedOnly: true } }]) {
      const { hits, plan } = await collection.explain({ query, ...asked, limit: 10 })
      const exact = await collection.query({ query, ...asked, params: { exact: true }, limit: 10 })
      const missed = exact.filter(({ id }) => hits.every((hit) => hit.id !== id))
      // Codes may hide one neighbour.
      expect(missed.length, JSON.stringify(asked)).toBeLessThan(2)
      plans.push(plan)
    }
  return plans
}

async function expectScans(collection: Collection, queries: readonly Float32Array[]): Promise<void> {
  const info = await collection.info()
  expect(info).toMatchObject({ status: 'green', tailBytes: 0, config: { vectors: [{ m: 0 }] } })
  expect(info.indexedVectorsCount).toBe(info.vectorsCount)
  for (const { strategy, why, verticesVisited, segments } of await explained(collection, queries)) {
    expect(strategy).toMatch(/^scan/)
    expect(why).toMatch(/no graph/)
    expect(verticesVisited).toBe(0)
    expect(segments).toMatchObject([{ codes: 'sq8', effort: null }])
  }
}

async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-no-graph-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

it('they are scanned by codes, also after a restart', async () => {
  const folder = await tempFolder()
  const { database, collection, queries } = await filled(folder, 0)
  await expectScans(collection, queries)
  await database.close()
  const again = await open(folder)
  onTestFinished(() => again.close())
  const reopened = await again.collection('rows')
  await reopened.waitForIndex()
  await expectScans(reopened, queries)
  await reopened.upsert([{ id: POINTS, vector: queries[0] as Float32Array }])
  await reopened.waitForIndex()
  const [first] = await reopened.query({ query: POINTS, limit: 1 })
  expect(first).toMatchObject({ id: 7 })
})

it('a graph is added and removed by a changed configuration', async () => {
  const { collection, queries } = await filled(await tempFolder(), 0)
  await collection.updateConfig({ vectors: { '': { hnswConfig: { m: 16 } } } })
  await collection.waitForIndex()
  const walks = await explained(collection, queries)
  expect(walks.some(({ strategy, verticesVisited }) => /graph/.test(strategy) && verticesVisited > 0)).toBe(true)
  await collection.updateConfig({ vectors: { '': { hnswConfig: { m: 0 } } } })
  await collection.waitForIndex()
  await expectScans(collection, queries)
})

it('an indexing threshold of 0 keeps the graphs that are there, and adds none', async () => {
  const folder = await tempFolder()
  const { database, collection, queries } = await filled(folder, 16)
  const isWalked = async (among: Collection) =>
    (await explained(among, queries)).some(({ verticesVisited }) => verticesVisited > 0)
  const live = POINTS - 3
  await collection.updateConfig({ optimizersConfig: { indexingThreshold: 0 } })
  const more = Array.from({ length: 10 }, (_, i) => ({ id: POINTS + i, vector: queries[0] as Float32Array }))
  await collection.upsert(more)
  await collection.waitForIndex()
  const expectUnindexed = async (among: Collection) => {
    const info = await among.info()
    expect(info).toMatchObject({ vectorsCount: live + 10, status: 'green' })
    // Graphs hold deleted vectors too.
    expect(info.indexedVectorsCount).toBeGreaterThanOrEqual(live)
    expect(info.indexedVectorsCount).toBeLessThanOrEqual(POINTS)
  }
  await expectUnindexed(collection)
  expect(await isWalked(collection)).toBe(true)
  await database.close()
  const again = await open(folder)
  onTestFinished(() => again.close())
  const reopened = await again.collection('rows')
  await reopened.waitForIndex()
  await expectUnindexed(reopened)
  await reopened.updateConfig({ optimizersConfig: { indexingThreshold: 1 } })
  await reopened.waitForIndex()
  expect(await reopened.info()).toMatchObject({ indexedVectorsCount: live + 10, status: 'green' })
})

it('multivectors are scanned too', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const vectors = {
    size: 2,
    distance: 'Dot',
    hnswConfig: { m: 0 },
    multivectorConfig: { comparator: 'max_sim' },
  } as const
  const collection = await database.createCollection('rows', { vectors })
  await collection.upsert(
    Array.from({ length: 2000 }, (_, id) => ({
      id,
      vector: [
        [id, 1],
        [1, id % 7],
      ],
    })),
  )
  await collection.waitForIndex()
  const { hits, plan } = await collection.explain({ query: [[1, 0]], limit: 2 })
  expect(hits.map(({ id }) => id)).toEqual([1999, 1998])
  expect(plan.why).toMatch(/no graph/)
})
