import { expect, it, onTestFinished } from 'vitest'
import { open } from '../../../src/index.js'
import { startService } from '../../contract/service.js'

const POINTS = 2000
const SIZE = 48

/** Deterministic and in no order. */
const vector = (seed: number) => Float32Array.from({ length: SIZE }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233))

it('compares some of the queries with a scan, and tells in info and metrics what they asked for and got', async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const rows = await database.createCollection('rows', { vectors: { size: SIZE, distance: 'Euclid' } })
  await rows.upsert(Array.from({ length: POINTS }, (_, id) => ({ id, vector: vector(id) })))
  await rows.waitForIndex()
  expect((await rows.info()).recall).toEqual({ '': { queries: 0, measured: 1, asked: 1 } })

  // Those that name a width or want everything ask for no recall, and are not among them.
  for (let at = 0; at < 40; at++) {
    await rows.query({ query: vector(at + 0.5), params: { hnsw_ef: 16 } })
    await rows.query({ query: vector(at + 0.5), recall: 1 })
  }
  for (let at = 0; at < 80; at++) await rows.query({ query: vector(at + 0.5), recall: 0.9 })
  const measured = async () => (await rows.info()).recall['']
  await expect.poll(async () => (await measured())?.queries, { timeout: 20_000 }).toBe(10)
  const recall = await measured()
  expect(recall?.asked).toBeCloseTo(0.9, 5)
  expect(recall?.measured).toBeGreaterThan(0.8)

  const service = await startService({ database })
  const { text } = await service.call('GET', '/metrics')
  expect(text).toContain('collection_recall_queries{id="rows",vector=""} 10')
}, 40_000)
