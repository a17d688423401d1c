import { beforeAll, describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { Expression } from '../../src/core/formula.js'
import type { Query, QueryOptions } from '../../src/core/query.js'
import type { Suite } from './database.contract.js'

const POINTS = Array.from({ length: 60 }, (_, id) => ({
  id,
  vector: [id, 0, id % 3],
  payload: { n: id, half: id / 2, group: `g${id % 4}`, tags: [`t${id % 2}`, `u${id % 5}`], even: id % 2 === 0 },
}))

/** Queries beyond the neighbours of a vector, on points at known places. */
export function describeQueries(suite: Suite): void {
  describe('queries', () => {
    let collection: Collection
    const ids = async (query: QueryOptions) => (await collection.query(query)).map(({ id }) => id)
    const scores = async (query: QueryOptions) => (await collection.query(query)).map(({ score }) => score)

    beforeAll(async () => {
      collection = await suite.single()
      await collection.upsert(POINTS)
      for (const [field, kind] of [
        ['n', 'integer'],
        ['half', 'float'],
        ['group', 'keyword'],
        ['tags', 'keyword'],
        ['even', 'bool'],
      ] as const) {
        await collection.createPayloadIndex(field, kind)
      }
    })

    it('accept neighbours in the long form', async () => {
      expect(await collection.query({ query: { nearest: [10, 0, 1] }, limit: 4 })).toEqual(
        await collection.query({ query: [10, 0, 1], limit: 4 }),
      )
      expect(await ids({ query: { nearest: 10 }, limit: 2 })).toEqual(await ids({ query: 10, limit: 2 }))
    })

    it('score the points of a prefetch again, and no others', async () => {
      const prefetch = { query: [0, 0, 0], limit: 5 }
      expect(await ids({ prefetch, query: [100, 0, 0], limit: 3 })).toEqual([4, 3, 2])
      expect(await ids({ prefetch, query: [100, 0, 0], limit: 2, offset: 1 })).toEqual([3, 2])
      expect(
        await ids({ prefetch: [prefetch, { query: [59, 0, 2], limit: 2 }], query: [100, 0, 0], limit: 3 }),
      ).toEqual([59, 58, 4])
    })

    it('nest prefetches, which respect the filters of all stages around them', async () => {
      const inner = { query: [0, 0, 0], limit: 6, filter: { must: { key: 'n', range: { gte: 10 } } } }
      const middle = { prefetch: inner, query: [100, 0, 0], limit: 4 }
      const filter = { must: { key: 'even', match: { value: true } } }
      expect(await ids({ prefetch: middle, query: [0, 0, 0], limit: 9 })).toEqual([12, 13, 14, 15])
      expect(await ids({ prefetch: middle, query: [0, 0, 0], limit: 9, filter })).toEqual([14, 16, 18, 20])
    })

    it('return the requested fields of points, whichever stage is last', async () => {
      const prefetch = { query: [3, 0, 0], limit: 2 }
      for (const query of [[3, 0, 0], { fusion: 'rrf' }, { formula: '$score' }] as Query[]) {
        const [hit] = await collection.query({ prefetch, query, limit: 1, withPayload: ['n'], withVector: true })
        expect(hit).toMatchObject({ payload: { n: expect.any(Number) }, version: 1, vector: expect.any(Float32Array) })
        expect(Object.keys(hit?.payload as object)).toEqual(['n'])
      }
      const [bare] = await collection.query({ prefetch, query: { fusion: 'rrf' }, withPayload: false })
      expect(Object.keys(bare as object).sort()).toEqual(['id', 'score', 'version'])
    })

    it('fuse by places', async () => {
      const prefetch = [
        { query: [3, 0, 0], limit: 1 },
        { query: [0, 0, 0], limit: 4 },
      ]
      const hits = await collection.query({ prefetch, query: { fusion: 'rrf' }, limit: 9 })
      expect(hits[0]).toMatchObject({ id: 3, score: expect.closeTo(1 / 2 + 1 / 5, 5) })
      expect(hits.map(({ id }) => id).sort()).toEqual([0, 1, 2, 3])
      const weighted = await scores({ prefetch, query: { rrf: { k: 10, weights: [2, 0] } }, limit: 1 })
      expect(weighted).toEqual([expect.closeTo(1 / (1 / 2 + 9), 5)])
      expect(await ids({ prefetch, query: { fusion: 'rrf' }, limit: 9, scoreThreshold: 0.4 })).toEqual([3, 0])
    })

    it('fuse by scores', async () => {
      const prefetch = [
        { query: [0, 0, 0], limit: 3 },
        { query: [0, 0, 0], limit: 1 },
      ]
      const hits = await collection.query({ prefetch, query: { fusion: 'dbsf' }, limit: 9 })
      expect(hits).toHaveLength(3)
      expect(hits.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(3 * 0.5 + 0.5, 5)
    })

    it('compute formulas over scores and payloads', async () => {
      const prefetch = { query: [0, 0, 0], limit: 5, filter: { must: { key: 'n', range: { lt: 40 } } } }
      expect(await scores({ prefetch, query: { formula: { sum: ['n', { mult: [2, 'half'] }] } }, limit: 2 })).toEqual([
        8, 6,
      ])
      expect(
        await scores({
          prefetch,
          query: { formula: { mult: [{ key: 'even', match: { value: true } }, 7] } },
          limit: 5,
        }),
      ).toEqual([7, 7, 7, 0, 0])
      expect(
        await scores({ prefetch, query: { formula: { div: { left: 1, right: 'n', byZeroDefault: 9 } } }, limit: 2 }),
      ).toEqual([9, 1])
      expect(await scores({ prefetch, query: { formula: 'missing', defaults: { missing: 4 } }, limit: 1 })).toEqual([4])
      expect(
        await scores({ prefetch, query: { formula: { expDecay: { x: 'n', target: 2, scale: 1 } } }, limit: 2 }),
      ).toEqual([1, 0.5])
      const both = [prefetch, { query: [4, 0, 0], limit: 1 }]
      expect(
        await ids({ prefetch: both, query: { formula: '$score[1]', defaults: { '$score[1]': -5 } }, limit: 1 }),
      ).toEqual([3])
    })

    it('take formulas in the spelling of the wire too', async () => {
      const prefetch = { query: [0, 0, 0], limit: 5, filter: { must: { key: 'n', range: { lt: 40 } } } }
      const formula = { div: { left: 1, right: { exp_decay: { x: 'n' } }, by_zero_default: 9 } } as Expression
      expect(await scores({ prefetch, query: { formula }, limit: 2 })).toEqual([16, 8])
    })

    it('count values of other kinds in a formula as absent', async () => {
      const kinds = await suite.single()
      const values = [5, null, 'text', [3], [], [null, 4], {}, undefined]
      await kinds.upsert(
        values.map((v, at) => ({ id: at + 1, vector: [at, 0, 0], payload: v === undefined ? {} : { v } })),
      )
      const ask = async (formula: Expression, defaults: Record<string, unknown>) => {
        const hits = await kinds.query({ prefetch: { limit: 9 }, query: { formula, defaults } })
        return hits.sort((a, b) => Number(a.id) - Number(b.id)).map(({ score }) => score)
      }
      expect(await ask('v', { v: 7 })).toEqual([5, 7, 7, 3, 7, 4, 7, 7])
      const at = '1970-01-01T00:00:09Z'
      expect(await ask({ datetimeKey: 'v' }, { v: at })).toEqual(values.map(() => 9))
      await kinds.upsert([{ id: 1, vector: [1, 0, 0], payload: { v: [1, 2] } }])
      await expect(ask('v', { v: 7 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })

    it('refuse formulas if a point has no value for them', async () => {
      const prefetch = { query: [0, 0, 0], limit: 5 }
      const ask = (query: Query) => collection.query({ prefetch, query })
      await expect(ask({ formula: 'nowhere' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(ask({ formula: 'group' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(ask({ formula: { div: { left: 1, right: 'n' } } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      await expect(ask({ formula: { ln: { neg: 1 } } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })

    it('choose diverse points', async () => {
      const query = (diversity: number): Query => ({ nearest: [10, 0, 1], mmr: { diversity, candidatesLimit: 30 } })
      expect(await ids({ query: query(0), limit: 4 })).toEqual(await ids({ query: [10, 0, 1], limit: 4 }))
      const [first, second] = await ids({ query: query(1), limit: 2 })
      expect(first).toBe(10)
      expect(Math.abs((second as number) - 10)).toBeGreaterThanOrEqual(14)
    })

    it('recommend by the average of examples', async () => {
      expect(await ids({ query: { recommend: { positive: [10, 20] } }, limit: 2 })).toEqual(
        await ids({ query: [15, 0, 1.5], limit: 2 }),
      )
      const away = await ids({ query: { recommend: { positive: [20, [20, 0, 0]], negative: [10] } }, limit: 1 })
      expect(away[0]).toBeGreaterThan(25)
    })

    it.each(['best_score', 'sum_scores'] as const)('recommend by %s', async (strategy) => {
      const found = await ids({
        query: { recommend: { positive: [[30, 0, 0]], negative: [[50, 0, 0]], strategy } },
        limit: 60,
      })
      expect(found).toHaveLength(60)
      if (strategy === 'best_score') expect(found[0]).toBe(30)
      expect(found.indexOf(51)).toBeGreaterThan(found.indexOf(20))
    })

    it('discover near a target on the right side of pairs', async () => {
      const context = [{ positive: [40, 0, 0], negative: [0, 0, 0] }]
      const hits = await collection.query({ query: { discover: { target: [18, 0, 0], context } }, limit: 3 })
      expect(hits.every(({ id }) => (id as number) > 20)).toBe(true)
      expect(hits[0]?.id).toBe(21)
      expect(hits[0]?.score).toBeGreaterThan(1)
      const [context0] = await collection.query({ query: { context: context }, limit: 1 })
      expect(context0?.score).toBeCloseTo(0, 5)
    })

    it('use feedback on results', async () => {
      const feedback = [
        { example: 30, score: 0.9 },
        { example: [10, 0, 0], score: 0.1 },
      ]
      const query = { relevanceFeedback: { target: [20, 0, 0], feedback, strategy: { naive: { a: 1, b: 1, c: 1 } } } }
      const found = await ids({ query, limit: 60 })
      expect(found).not.toContain(30)
      expect(found[0]).toBeGreaterThan(20)
    })

    it('order by a payload field', async () => {
      expect(await ids({ query: { orderBy: 'n' }, limit: 3 })).toEqual([0, 1, 2])
      const hits = await collection.query({
        query: { orderBy: { key: 'half', direction: 'desc', startFrom: 10.2 } },
        limit: 2,
        offset: 1,
      })
      expect(hits).toMatchObject([
        { id: 19, orderValue: 9.5, score: 1 },
        { id: 18, orderValue: 9, score: 1 },
      ])
      const prefetch = { query: [50, 0, 0], limit: 4 }
      expect(await ids({ prefetch, query: { orderBy: 'n' }, limit: 2 })).toHaveLength(2)
      expect(
        await ids({
          query: { orderBy: { key: 'n', direction: 'desc' } },
          limit: 2,
          filter: { must: { key: 'group', match: { value: 'g1' } } },
        }),
      ).toEqual([57, 53])
    })

    it('page through an order', async () => {
      const page = await collection.scrollPage({ orderBy: { key: 'n', startFrom: 57 }, limit: 5 })
      expect(page.points.map(({ id, orderValue }) => [id, orderValue])).toEqual([
        [57, 57],
        [58, 58],
        [59, 59],
      ])
      expect(page.nextOffset).toBeNull()
    })

    it('sample', async () => {
      const filter = { must: { key: 'group', match: { value: 'g2' } } }
      const found = await ids({ query: { sample: 'random' }, filter, limit: 100 })
      expect([...found].sort((a, b) => Number(a) - Number(b))).toEqual(
        POINTS.filter(({ id }) => id % 4 === 2).map(({ id }) => id),
      )
      expect(new Set(await ids({ query: { sample: 'random' }, limit: 7 })).size).toBe(7)
    })

    it('leave out points that the query names, at any level', async () => {
      expect(await ids({ query: 10, limit: 60 })).not.toContain(10)
      const prefetch = { query: { recommend: { positive: [11] } }, limit: 60 }
      const found = await ids({ prefetch, query: 10, limit: 60 })
      expect(found).toHaveLength(58)
      expect(found).not.toContain(11)
    })

    it('look ids up in another collection, whose points are never results', async () => {
      const other = await suite.single()
      await other.upsert([{ id: 1, vector: [25, 0, 1] }])
      const lookupFrom = { collection: other.name }
      expect(await ids({ query: 1, lookupFrom, limit: 1 })).toEqual([25])
      expect(await ids({ query: { recommend: { positive: [1] } }, lookupFrom, limit: 1 })).toEqual([25])
      await expect(collection.query({ query: 2, lookupFrom })).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(collection.query({ query: 1, lookupFrom: { collection: 'nowhere' } })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })

    it('group the best points by the values of a field', async () => {
      const groups = await collection.queryGroups({
        query: [0, 0, 0],
        groupBy: 'group',
        groupSize: 2,
        limit: 3,
        withPayload: false,
      })
      expect(groups.map(({ id, hits }) => [id, hits.map((hit) => hit.id)])).toEqual([
        ['g0', [0, 4]],
        ['g1', [1, 5]],
        ['g2', [2, 6]],
      ])
      const byTag = await collection.queryGroups({ query: [0, 0, 0], groupBy: 'tags', groupSize: 1, limit: 10 })
      expect(byTag.map(({ id }) => id).sort()).toEqual(['t0', 't1', 'u0', 'u1', 'u2', 'u3', 'u4'])
      expect(byTag[0]?.hits[0]?.payload).toMatchObject({ n: 0 })
      const fused = await collection.queryGroups({
        prefetch: { query: [0, 0, 0], limit: 3 },
        query: { fusion: 'rrf' },
        groupBy: 'n',
        groupSize: 1,
        limit: 2,
      })
      expect(fused.map(({ id }) => id)).toEqual([0, 1])
    })

    it('look up the points that groups are of', async () => {
      const other = await suite.single()
      await other.upsert([{ id: 2, vector: [0, 0, 0], payload: { name: 'two' } }])
      const groups = await collection.queryGroups({ query: [0, 0, 0], groupBy: 'n', limit: 3, withLookup: other.name })
      expect(groups.map(({ lookup }) => lookup)).toEqual([null, null, { id: 2, payload: { name: 'two' } }])
    })

    it('count the values of a field', async () => {
      expect(await collection.facet({ key: 'group' })).toEqual(
        ['g0', 'g1', 'g2', 'g3'].map((value) => ({ value, count: 15 })),
      )
      expect(await collection.facet({ key: 'tags', limit: 2 })).toEqual([
        { value: 't0', count: 30 },
        { value: 't1', count: 30 },
      ])
      expect(await collection.facet({ key: 'n', filter: { must: { key: 'n', range: { lt: 2 } } } })).toEqual([
        { value: 0, count: 1 },
        { value: 1, count: 1 },
      ])
      expect(await collection.facet({ key: 'even', exact: true })).toEqual([
        { value: false, count: 30 },
        { value: true, count: 30 },
      ])
    })

    it('estimate how many match, too', async () => {
      const filter = { must: { key: 'group', match: { value: 'g1' } } }
      const about = await collection.count({ filter, exact: false })
      expect(about).toBeGreaterThan(5)
      expect(about).toBeLessThan(30)
    })

    it('tell how near random points are to each other', async () => {
      const { ids: chosen, pairs } = await collection.searchMatrix({ sample: 5, limit: 2 })
      expect(chosen).toHaveLength(5)
      expect([...chosen].sort((a, b) => Number(a) - Number(b))).toEqual(chosen)
      expect(pairs).toHaveLength(10)
      for (const { a, b, score } of pairs) {
        const [p, q] = [Number(a), Number(b)]
        expect(p).not.toBe(q)
        expect(score).toBeCloseTo(Math.hypot(p - q, (p % 3) - (q % 3)), 3)
      }
      const none = await collection.searchMatrix({ filter: { must: { hasId: [1] } } })
      expect(none).toEqual({ ids: [], pairs: [] })
    })
  })
}
