/** Fusion of short searches in one call of the kernel, beside the same query run stage by stage, as it is explained. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Collection, Database } from '../../../src/core/database.js'
import type { QueryOptions } from '../../../src/core/query.js'
import { open } from '../../../src/index.js'
import { Shard } from '../../../src/native/shard.js'
import { Random } from '../../oracle/fault-random.js'

const SEED = 60
const POINTS = 3000
const QUERIES = 60

describe('fusion in the kernel', () => {
  let database: Database
  let collection: Collection
  const random = new Random(SEED)
  const fusions = vi.spyOn(Shard.prototype, 'searchFused')

  beforeAll(async () => {
    database = await open(':memory:')
    collection = await database.createCollection('c', {
      vectors: { dense: { size: 8, distance: 'Cosine' } },
      sparseVectors: { text: { modifier: 'idf' } },
    })
    await collection.upsert(
      Array.from({ length: POINTS }, (_, id) => ({
        id,
        vector: { dense: vector(), text: { text: words(1 + random.below(12)), model: 'qdrant/bm25' } },
        payload: { id, tenth: id % 10 },
      })),
    )
    await collection.delete(Array.from({ length: 50 }, (_, i) => i * 40))
    await collection.waitForIndex()
  })
  afterAll(async () => {
    fusions.mockRestore()
    await database.close()
  })

  const vector = () => Array.from({ length: 8 }, () => random.below(1000) - 500)
  const words = (count: number) =>
    Array.from({ length: count }, () => `w${Math.floor(500 ** (random.below(1000) / 1000))}`).join(' ')

  function randomQuery(): QueryOptions {
    const filtered = () =>
      random.chance(0.3) ? { filter: { must: { key: 'tenth', match: { value: random.below(10) } } } } : {}
    const dense = () => ({
      query: random.chance(0.2) ? random.below(POINTS) * 2 + 1 : vector(),
      using: 'dense',
      limit: 1 + random.below(30),
      ...filtered(),
    })
    const text = () => ({
      query: { text: words(1 + random.below(5)), model: 'qdrant/bm25' },
      using: 'text',
      limit: 1 + random.below(30),
      ...(random.chance(0.2) ? { scoreThreshold: 2 } : {}),
    })
    const prefetch = random.chance(0.5) ? [dense(), text()] : [text(), dense(), text()]
    const weights = prefetch.map(() => 1 + random.below(30) / 10)
    return {
      prefetch,
      query: random.chance(0.5) ? { fusion: 'rrf' } : { rrf: { k: 1 + random.below(60), weights } },
      limit: 1 + random.below(20),
      offset: random.chance(0.3) ? random.below(10) : 0,
      ...(random.chance(0.2) ? { scoreThreshold: 0.1 } : {}),
      ...(random.chance(0.3) ? { withPayload: false } : {}),
      ...(random.chance(0.2) ? { withVector: ['dense'] } : {}),
      ...filtered(),
    }
  }

  it('is the fusion of the stages, with their scores, versions and payloads', async () => {
    let inKernel = 0
    for (let i = 0; i < QUERIES; i++) {
      const query = { ...randomQuery(), recall: 1 }
      const { prefetch } = query
      // Exact, so that both ways have the same rankings to fuse.
      const exact = { ...query, prefetch: (prefetch as object[]).map((one) => ({ ...one, params: { exact: true } })) }
      fusions.mockClear()
      let asked: unknown
      let failed: unknown
      // Asked twice: what a filter costs is known the second time.
      for (let time = 0; time < 2; time++) {
        await new Promise(setImmediate)
        asked = await collection.query(exact).catch((error: unknown) => {
          failed = error
        })
      }
      inKernel += fusions.mock.results.filter(({ value }) => value !== null).length
      const explained = await collection.explain(exact).catch((error: unknown) => {
        expect(String(failed)).toBe(String(error))
      })
      if (explained) expect(asked).toEqual(explained.hits)
    }
    // Which are short enough depends on the machine, but some are.
    expect(inKernel).toBeGreaterThan(0)
  })

  it('leaves a turn of the event loop to others', async () => {
    let turns = 0
    let isOver = false
    const watch = () => {
      turns++
      if (!isOver) setImmediate(watch)
    }
    setImmediate(watch)
    for (let i = 0; i < 200; i++)
      await collection.query({ ...randomQuery(), filter: null, withVector: false }).catch(() => {})
    isOver = true
    expect(turns).toBeGreaterThan(5)
  })
})
