import { beforeAll, describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import { RawJson } from '../../src/core/point.js'
import type { Distance } from '../../src/core/schema.js'
import type { Suite } from './database.contract.js'

const POINTS = 600
const PLACES = ['Oslo', 'Rome', 'Kyoto'] as const

export function describeReads(suite: Suite): void {
  describe('reads', () => {
    let collection: Collection
    beforeAll(async () => {
      collection = await suite.single()
      // Point i lies at (i, 0, 0), so its neighbours are known.
      await collection.upsert(
        Array.from({ length: POINTS }, (_, i) => ({
          id: i,
          vector: [i, 0, 0],
          payload: { place: PLACES[i % PLACES.length], n: i, tags: [`t${i % 5}`] },
        })),
      )
    })

    it('finds the nearest, best first', async () => {
      const hits = await collection.query({ query: [10.2, 0, 0], limit: 3 })
      expect(hits.map((hit) => hit.id)).toEqual([10, 11, 9])
      expect(hits.map((hit) => hit.score)).toEqual([0.2, 0.8, 1.2].map((score) => expect.closeTo(score, 5)))
      expect(hits[0]).toMatchObject({ payload: { place: 'Rome', n: 10, tags: ['t0'] }, version: expect.any(Number) })
      expect(hits[0]).not.toHaveProperty('vector')
    })

    it('takes a Float32Array, an array, and the id of a point as query', async () => {
      const byArray = await collection.query({ query: [50, 0, 0], limit: 3 })
      expect(await collection.query({ query: new Float32Array([50, 0, 0]), limit: 3 })).toEqual(byArray)
      const byId = await collection.query({ query: 50, limit: 2 })
      expect(byId.map((hit) => hit.id).sort()).toEqual([49, 51])
    })

    it('finds the same by exact search and through the graph', async () => {
      const exact = await collection.query({ query: [300.4, 0, 0], limit: 10, params: { exact: true } })
      const approximate = await collection.query({ query: [300.4, 0, 0], limit: 10, params: { hnswEf: 256 } })
      expect(approximate).toEqual(exact)
      for (const recall of [0.9, 0.99, 1]) {
        expect(await collection.query({ query: [300.4, 0, 0], limit: 10, recall })).toEqual(exact)
      }
    })

    it('skips by offset and stops at the score threshold', async () => {
      expect((await collection.query({ query: [0, 0, 0], limit: 2, offset: 3 })).map((hit) => hit.id)).toEqual([3, 4])
      const near = await collection.query({ query: [0, 0, 0], limit: 100, scoreThreshold: 2.5 })
      expect(near.map((hit) => hit.id)).toEqual([0, 1, 2])
    })

    it('filters in queries, counts and scrolls alike', async () => {
      const filter = { must: [{ key: 'place', match: { value: 'Kyoto' } }] }
      const hits = await collection.query({ query: [0, 0, 0], limit: 3, filter })
      expect(hits.map((hit) => hit.id)).toEqual([2, 5, 8])
      expect(await collection.count({ filter })).toBe(POINTS / 3)
      expect((await collection.scrollPage({ filter, limit: 2 })).points.map((point) => point.id)).toEqual([2, 5])
    })

    it('returns points in id order without a query', async () => {
      const hits = await collection.query({ limit: 3, offset: 2 })
      expect(hits.map((hit) => hit.id)).toEqual([2, 3, 4])
    })

    it('answers a batch like its queries one by one', async () => {
      const queries = [
        { query: [5, 0, 0], limit: 2 },
        { query: 7, limit: 1 },
        { limit: 1, withPayload: false },
      ]
      const one = await Promise.all(queries.map((query) => collection.query(query)))
      expect(await collection.queryBatch(queries)).toEqual(one)
    })

    it('refuses a batch with two wrong queries, whenever each of them fails', async () => {
      const wrong = { query: [5, 0, 0, 0], limit: 2 }
      await expect(collection.queryBatch([{ query: 999_999 }, wrong, { query: 999_998 }])).rejects.toMatchObject({
        code: expect.stringMatching(/^(NOT_FOUND|INVALID_ARGUMENT)$/),
      })
      // An unhandled rejection would end the process by then.
      await new Promise((resolve) => setImmediate(resolve))
      expect(await collection.count()).toBeGreaterThan(0)
    })

    it('selects payload fields and vectors', async () => {
      const read = async (options: object) => (await collection.retrieve([4], options))[0]
      expect(await read({ withPayload: false, withVector: true })).toEqual({
        id: 4,
        vector: new Float32Array([4, 0, 0]),
      })
      expect(await read({ withPayload: ['n'] })).toEqual({ id: 4, payload: { n: 4 } })
      expect(await read({ withPayload: { include: ['place', 'tags'] } })).toEqual({
        id: 4,
        payload: { place: 'Rome', tags: ['t4'] },
      })
      expect(await read({ withPayload: { exclude: ['tags'] } })).toEqual({ id: 4, payload: { place: 'Rome', n: 4 } })
    })

    it('returns payloads as text on request', async () => {
      const [point] = await collection.retrieve([4], { rawPayload: true })
      const payload: unknown = point?.payload
      expect(payload).toBeInstanceOf(RawJson)
      expect(JSON.parse((payload as RawJson).text)).toEqual({ place: 'Rome', n: 4, tags: ['t4'] })
    })

    it('retrieves in the requested order, once each, without absent ids', async () => {
      const points = await collection.retrieve([9, 3, 1_000_000, 9])
      expect(points.map((point) => point.id)).toEqual([9, 3])
    })

    it('pages through everything', async () => {
      const ids: unknown[] = []
      let offset = null
      do {
        const page = await collection.scrollPage({ limit: 250, offset, withPayload: false })
        ids.push(...page.points.map((point) => point.id))
        offset = page.nextOffset
      } while (offset !== null)
      expect(ids).toEqual(Array.from({ length: POINTS }, (_, i) => i))
    })

    it('iterates over everything that matches', async () => {
      const seen: unknown[] = []
      const filter = { must: [{ key: 'place', match: { value: 'Oslo' } }] }
      for await (const point of collection.scroll({ filter, limit: 7 })) seen.push(point.id)
      expect(seen).toEqual(Array.from({ length: POINTS / 3 }, (_, i) => i * 3))
    })

    it.each<[Distance, number, number]>([
      ['Cosine', 1, 0.6],
      ['Dot', 5, 3],
      ['Euclid', Math.sqrt(16), Math.sqrt(20)],
      ['Manhattan', 4, 6],
    ])('scores by %s', async (distance, best, second) => {
      const measured = await suite.database.createCollection(`scores-${distance}`, { vectors: { size: 2, distance } })
      await measured.upsert([
        { id: 1, vector: [5, 0] },
        { id: 2, vector: [3, 4] },
      ])
      const hits = await measured.query({ query: [1, 0] })
      expect(hits).toMatchObject([
        { id: 1, score: expect.closeTo(best, 5) },
        { id: 2, score: expect.closeTo(second, 5) },
      ])
    })

    it('searches each named vector in its own space', async () => {
      const named = await suite.named()
      await named.upsert([
        { id: 1, vector: { text: [1, 0], image: [9, 9, 9] } },
        { id: 2, vector: { text: [0, 1], image: [0, 0, 0] } },
        { id: 3, vector: { text: [1, 1] } },
      ])
      expect((await named.query({ query: [1, 0.1], using: 'text' })).map((hit) => hit.id)).toEqual([1, 3, 2])
      expect((await named.query({ query: [0, 0, 1], using: 'image' })).map((hit) => hit.id)).toEqual([2, 1])
      expect((await named.query({ query: 1, using: 'text', limit: 1 })).map((hit) => hit.id)).toEqual([3])
    })
  })
}
