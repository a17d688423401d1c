/** Queries at the edges of values and settings; each of them once failed or was answered wrongly. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import type { QueryOptions } from '../../src/core/query.js'
import { open } from '../../src/index.js'
import { FACES, openFace } from './faces.js'
import { complaintOf, startService } from './service.js'

async function opened(face: (typeof FACES)[number]): Promise<Database> {
  const { database, dispose } = await openFace(face)
  onTestFinished(dispose)
  return database
}

describe.each(FACES)('by the %s', (face) => {
  it('integers beyond 64-bit signed range are groups like others', async () => {
    const database = await opened(face)
    const collection = await database.createCollection('c', { vectors: { size: 1, distance: 'Dot' } })
    // MessagePack, which the client speaks, has no integers beyond 64 bits.
    const beyond = face === 'library' ? [2n ** 64n, -(2n ** 63n) - 1n] : [2n ** 64n - 1n]
    const keys = [5n, 2n ** 63n, ...beyond, 2n ** 63n - 1n]
    await collection.upsert(keys.map((n, id) => ({ id, vector: [id + 1], payload: { n } })))
    const other = await database.createCollection('other', { vectors: { size: 1, distance: 'Dot' } })
    await other.upsert([{ id: 5, vector: [1] }])
    for (const groupSize of [1, 2]) {
      const groups = await collection.queryGroups({
        query: [1],
        groupBy: 'n',
        groupSize,
        limit: 9,
        withLookup: 'other',
      })
      const found = groups.map(({ hits, lookup }) => [hits[0]?.id, lookup?.id])
      expect(found).toHaveLength(keys.length)
      expect(found).toContainEqual([0, 5])
      for (const [, lookup] of found.filter(([id]) => id !== 0)) expect(lookup).toBeUndefined()
    }
  })

  it('an error in a batch names the query, as the caller wrote it', async () => {
    const database = await opened(face)
    const collection = await database.createCollection('c', { vectors: { size: 2, distance: 'Dot' } })
    const refused = async (query: QueryOptions) => {
      const error = await collection.queryBatch([{ query: [1, 2] }, query]).catch((thrown) => thrown)
      return [error.details.field, error.message]
    }
    expect(await refused({ query: [1] })).toEqual([
      'queries[1].query',
      'queries[1].query: Vector dimension error: expected dim: 2, got 1',
    ])
    expect(await refused({ query: { recommend: { positive: [[1, 2], [1]] } } })).toEqual([
      'queries[1].query.recommend.positive[1]',
      expect.stringMatching(/^queries\[1\]\.query\.recommend\.positive\[1\]: Vector dimension/),
    ])
    const scoreThreshold = 1
    expect((await refused({ scoreThreshold }))[0]).toBe('queries[1].scoreThreshold')
    expect((await refused({ filter: { must: { key: 'a' } } }))[0]).toBe('queries[1].filter.must')
  })

  it('a formula reads the values that the payload index of a key has', async () => {
    const database = await opened(face)
    const collection = await database.createCollection('c', { vectors: { size: 1, distance: 'Dot' } })
    const values = [5, 1.5, '5', [2, 2.5], 9n]
    await collection.upsert(values.map((n, id) => ({ id, vector: [1], payload: { n } })))
    const scores = async () => {
      const query = { formula: 'n', defaults: { n: 7 } }
      const hits = await collection.query({ prefetch: { filter: { must: { hasId: [0, 1, 2, 3, 4] } } }, query })
      return new Map(hits.map(({ id, score }) => [id, score]))
    }
    await collection.createPayloadIndex('n', 'integer')
    expect(await scores()).toEqual(
      new Map([
        [0, 5],
        [1, 7],
        [2, 7],
        [3, 2],
        [4, 9],
      ]),
    )
    await collection.upsert([{ id: 3, vector: [1], payload: { n: [2.5] } }])
    await collection.createPayloadIndex('n', 'keyword')
    expect([...(await scores()).values()]).toEqual([7, 7, 7, 7, 7])
    await collection.createPayloadIndex('n', 'float')
    const ofNumbers = new Map([
      [0, 5],
      [1, 1.5],
      [2, 7],
      [3, 2.5],
      [4, 9],
    ])
    expect(await scores()).toEqual(ofNumbers)
    await collection.deletePayloadIndex('n')
    expect(await scores()).toEqual(ofNumbers)
  })

  it('relevance feedback weighs every two items with different ratings', async () => {
    const database = await opened(face)
    const collection = await database.createCollection('c', { vectors: { size: 1, distance: 'Dot' } })
    await collection.upsert([1, 2].map((id) => ({ id, vector: [id] })))
    const ask = (feedback: { example: number[]; score: number }[]) =>
      collection.query({
        query: { relevanceFeedback: { target: [1], feedback, strategy: { naive: { a: 0.5, b: 1, c: 1 } } } },
      })
    const rated = { 1: 0.9, 2: 0.1, 4: 0.5, 8: 0.5 }
    const hits = await ask(Object.entries(rated).map(([value, score]) => ({ example: [Number(value)], score })))
    // By hand, for a point x: .5 x + (.8 (1 - 2) + .4 (1 - 4) + .4 (1 - 8) + .4 (4 - 2) + .4 (8 - 2)) x = -1.1 x.
    expect(hits.map(({ id }) => id)).toEqual([1, 2])
    for (const { id, score } of hits) expect(score).toBeCloseTo(-1.1 * Number(id), 5)
    const most = Array.from({ length: LIMITS.feedbackItems }, (_, i) => ({ example: [1], score: i }))
    expect(await ask(most)).toHaveLength(2)
  })

  it('a look-up without a vector name reads the unnamed vector, or else the one of the same name', async () => {
    const database = await opened(face)
    const named = { vectors: { v: { size: 1, distance: 'Dot' as const } } }
    const collection = await database.createCollection('c', named)
    await collection.upsert([
      { id: 10, vector: { v: [1] } },
      { id: 11, vector: { v: [-1] } },
    ])
    const best = async (of: Collection) => {
      const lookupFrom = { collection: of.name }
      const [hit] = await collection.query({ query: 1, using: 'v', lookupFrom, limit: 1 })
      return hit?.id
    }
    const unnamed = await database.createCollection('unnamed', { vectors: { size: 1, distance: 'Dot' } })
    await unnamed.upsert([{ id: 1, vector: [-1] }])
    expect(await best(unnamed)).toBe(11)
    const same = await database.createCollection('same', named)
    await same.upsert([{ id: 1, vector: { v: [1] } }])
    expect(await best(same)).toBe(10)
  })
})

describe('on the wire', () => {
  const POINTS = '/collections/c/points'

  async function served() {
    const database = await open(':memory:')
    const service = await startService({ database })
    onTestFinished(() => database.close())
    const collection = await database.createCollection('c', {
      vectors: { size: 1, distance: 'Dot' },
      sparseVectors: { rare: { modifier: 'idf' }, plain: {} },
    })
    await collection.upsert([{ id: 1, vector: [1] }])
    return { service, collection }
  }

  const words = { indices: [1], values: [1] }
  it.each([
    ['global', words, 'rare', 200],
    [null, [1], undefined, 200],
    [{ corpus: { must: [] } }, words, 'rare', 200],
    [{ corpus: { must: 7 } }, words, 'rare', 400],
    [{ corpus: [] }, words, 'rare', 400],
    ['local', words, 'rare', 400],
    ['global', [1], undefined, 400],
    [{ corpus: {} }, { recommend: { positive: [1] } }, undefined, 400],
    ['global', words, 'plain', 400],
  ])('params.idf of %j for %j, using %s, is answered with %i', async (idf, query, using, status) => {
    const { service } = await served()
    const answer = await service.call('POST', `${POINTS}/query`, { query, using, params: { idf } })
    expect(answer.status).toBe(status)
    if (status !== 200) expect(complaintOf(answer)).toMatch(/params\.idf/)
  })

  it('one explained search does not exempt its batch from strict mode', async () => {
    const { service, collection } = await served()
    await collection.updateConfig({ strictModeConfig: { enabled: true, searchMaxBatchsize: 2 } })
    const plain = { query: [1] }
    const explained = { query: [2], explain: true }
    const refused = await service.call('POST', `${POINTS}/query/batch`, { searches: [plain, explained, plain] })
    expect(refused.status).toBe(400)
    expect(complaintOf(refused)).toMatch(/Limit exceeded 3 > 2 for "search batch size"/)
    await collection.updateConfig({ strictModeConfig: { maxQueryLimit: 10, readRateLimit: 2 } })
    const large = { searches: [plain, { ...explained, limit: 11 }] }
    const tooLarge = await service.call('POST', `${POINTS}/query/batch`, large)
    expect(complaintOf(tooLarge)).toMatch(/Limit exceeded 11 > 10 for "limit"/)
    // Refused calls take nothing of the rate.
    const { json } = await service.call('POST', `${POINTS}/query/batch`, { searches: [explained, plain] })
    expect(json.result).toEqual([
      { points: [expect.objectContaining({ id: 1, score: 2 })], explain: expect.anything() },
      { points: [expect.objectContaining({ id: 1, score: 1 })] },
    ])
  })
})
