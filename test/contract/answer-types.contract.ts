import { describe, expect, expectTypeOf, it } from 'vitest'
import type { Hit, QueryOptions, StoredPoint } from '../../src/core/database.js'
import type { PayloadPath } from '../../src/core/filter.js'
import type { Payload, RawJson, StoredVector } from '../../src/core/point.js'
import type { Suite } from './database.contract.js'

interface Article {
  title: string
  year?: number
}
type OneVector = StoredVector | Record<string, StoredVector>

/** The types of answers follow the options, and the answers are as their types say. tsc checks the types. */
export function describeAnswerTypes(suite: Suite): void {
  const articles = async () => {
    const { name } = await suite.single()
    const collection = await suite.database.collection<Article>(name)
    await collection.upsert([{ id: 1, vector: [0, 0, 1], payload: { title: 'One' } }])
    return collection
  }
  const first = <T>(points: readonly T[]): T => {
    expect(points).toHaveLength(1)
    return points[0] as T
  }

  describe('types of answers', () => {
    it('have the payload and no vector by default', async () => {
      const collection = await articles()
      const hits = [
        first(await collection.search([0, 0, 0])),
        first(await collection.query({ query: [0, 0, 0] })),
        first((await collection.explain({ query: [0, 0, 0], withPayload: true })).hits),
        first(first(await collection.queryGroups({ query: [0, 0, 0], groupBy: 'title' })).hits),
      ] as const
      for (const hit of hits) {
        expectTypeOf(hit.payload).toEqualTypeOf<Article>()
        expectTypeOf(hit).not.toHaveProperty('vector')
        expect(hit).toMatchObject({ id: 1, score: 1, payload: { title: 'One' } })
        expect(hit).not.toHaveProperty('vector')
      }
      const [stored] = await collection.retrieve([1])
      expectTypeOf(stored?.payload).toEqualTypeOf<Article | undefined>()
      for await (const point of collection.scroll()) expectTypeOf(point.payload).toEqualTypeOf<Article>()
      const untyped = await (await suite.single()).get(1)
      expectTypeOf(untyped?.payload).toEqualTypeOf<Payload | undefined>()
    })

    it('have the vector alone where the options say so', async () => {
      const collection = await articles()
      const asked = { withPayload: false, withVector: true } as const
      const points = [
        first(await collection.search([0, 0, 0], asked)),
        first(await collection.query({ query: [0, 0, 0], ...asked })),
        first(await collection.retrieve([1], asked)),
        await collection.get(1, asked),
      ] as const
      for (const point of points) {
        expectTypeOf(point?.vector).toEqualTypeOf<OneVector | undefined>()
        expectTypeOf(point).not.toHaveProperty('payload')
        expect(point).toMatchObject({ id: 1, vector: new Float32Array([0, 0, 1]) })
        expect(point).not.toHaveProperty('payload')
      }
      for await (const point of collection.scroll(asked)) expectTypeOf(point.vector).toEqualTypeOf<OneVector>()
    })

    it('have parts of payloads and vectors, and payloads as text', async () => {
      const collection = await articles()
      const part = await collection.get(1, { withPayload: ['year'], withVector: [''] })
      expectTypeOf(part?.payload).toEqualTypeOf<Partial<Article> | undefined>()
      expectTypeOf(part?.vector).toEqualTypeOf<OneVector | undefined>()
      expect(part).toEqual({ id: 1, payload: {}, vector: new Float32Array([0, 0, 1]) })
      const none = await collection.get(1, { withVector: [] })
      expectTypeOf(none).not.toHaveProperty('vector')
      expect(none).not.toHaveProperty('vector')
      const raw = await collection.get(1, { rawPayload: true })
      expectTypeOf(raw?.payload).toEqualTypeOf<RawJson | undefined>()
      expect(raw?.payload.text).toBe('{"title":"One"}')
    })

    it('follow the options of each query of a batch', async () => {
      const collection = await articles()
      const query = [0, 0, 0]
      const [[whole], [bare]] = await collection.queryBatch([
        { query, limit: 1 },
        { query, withPayload: false, withVector: true },
      ])
      expectTypeOf(whole?.payload).toEqualTypeOf<Article | undefined>()
      expectTypeOf(bare?.vector).toEqualTypeOf<OneVector | undefined>()
      expect(whole).toMatchObject({ payload: { title: 'One' } })
      expect(bare).toMatchObject({ vector: new Float32Array([0, 0, 1]) })
      const queries: QueryOptions<PayloadPath<Article>>[] = [{ query }]
      expectTypeOf(await collection.queryBatch(queries)).toEqualTypeOf<Hit<Article>[][]>()
      // @ts-expect-error: no such option
      await Promise.allSettled([collection.queryBatch([{ query, limitt: 2 }])])
    })

    it('follow the options of each explained query of a batch', async () => {
      const collection = await articles()
      const [whole, bare] = await collection.explainBatch([
        { query: [0, 0, 0] },
        { query: [0, 0, 0], withPayload: false, withVector: true },
      ])
      expectTypeOf(whole.hits).toEqualTypeOf<Hit<Article, true, false, false>[]>()
      expectTypeOf(bare.hits[0]?.vector).toEqualTypeOf<OneVector | undefined>()
      expect(whole.hits).toMatchObject([{ payload: { title: 'One' } }])
      expect(bare.plan.returned).toBe(1)
    })

    it('have filters, orders and groups that name keys of the payload', async () => {
      const collection = await articles()
      const nobody = { key: 'author', match: { value: 'x' } } as const
      await Promise.allSettled([
        // @ts-expect-error: no such key
        collection.count({ filter: { must: nobody } }),
        // @ts-expect-error: no such key
        collection.query({ query: [0, 0, 0], filter: { should: [{ mustNot: [{ isEmpty: { key: 'author' } }] }] } }),
        // @ts-expect-error: no such key
        collection.queryGroups({ query: [0, 0, 0], groupBy: 'author' }),
        // @ts-expect-error: no such key
        collection.setPayload({ year: 1 }, { filter: { must: nobody } }),
      ])
      const must = [{ key: 'title', match: { value: 'One' } }, { isNull: { key: 'year[].of' } }] as const
      expect(await collection.count({ filter: { must: must[0] } })).toBe(1)
      expect(await collection.query({ query: [0, 0, 0], filter: { mustNot: [...must] } })).toEqual([])
      expect(await (await suite.single()).count({ filter: { must: nobody } })).toBe(0)
    })

    it('leave open what the types of the options leave open', async () => {
      const collection = await articles()
      const query: QueryOptions<PayloadPath<Article>> = { query: [0, 0, 0], withPayload: false }
      const hit = first(await collection.query(query))
      expectTypeOf(hit).toEqualTypeOf<Hit<Article>>()
      expectTypeOf(hit.payload).toEqualTypeOf<Article | undefined>()
      expectTypeOf(hit.vector).toEqualTypeOf<OneVector | undefined>()
      const withVector = Math.random() < 2
      const point = await collection.get(1, { withVector })
      expectTypeOf(point?.vector).toEqualTypeOf<OneVector | undefined>()
      expectTypeOf<Hit<Article, true, true>>().toExtend<StoredPoint<Article>>()
    })

    it('keep the checks of the options', async () => {
      const collection = await articles()
      await Promise.allSettled([
        // @ts-expect-error: no such option
        collection.query({ query: [0, 0, 0], limitt: 2 }),
        // @ts-expect-error: neither a boolean nor names
        collection.get(1, { withVector: 7 }),
      ])
    })

    it('let a loop over pages infer the type of its offset', async () => {
      const collection = await articles()
      let offset = null
      let points = 0
      do {
        const page = await collection.scrollPage({ limit: 1, offset })
        points += page.points.length
        offset = page.nextOffset
      } while (offset !== null)
      expect(points).toBe(1)
    })
  })
}
