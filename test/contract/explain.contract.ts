import { describe, expect, it } from 'vitest'
import type { QueryOptions } from '../../src/core/database.js'
import type { Suite } from './database.contract.js'

const POINTS = Array.from({ length: 3000 }, (_, id) => ({
  id,
  vector: [id % 50, Math.floor(id / 50), id % 7],
  payload: { tenth: id % 10 },
}))
const NEAR = [20.2, 30.1, 3]
const TENTH = { must: [{ key: 'tenth', match: { value: 4 } }] }

export function describeExplain(suite: Suite): void {
  const filled = async () => {
    const collection = await suite.single()
    await collection.upsert(POINTS)
    await collection.waitForIndex()
    return collection
  }

  describe('explains', () => {
    it.each<[what: string, query: QueryOptions]>([
      ['a search', { query: NEAR, limit: 5 }],
      ['an exact search', { query: NEAR, params: { exact: true } }],
      ['a search with hnsw_ef', { query: NEAR, params: { hnswEf: 50 } }],
      ['a search by a stored point', { query: 77, withVector: true, withPayload: ['tenth'] }],
      ['a filtered search', { query: NEAR, filter: TENTH, offset: 2 }],
      ['points in the order of their ids', { limit: 3, filter: TENTH }],
    ])('%s, with the hits of the query', async (_what, query) => {
      const collection = await filled()
      const { hits, plan } = await collection.explain(query)
      expect(hits).toEqual(await collection.query(query))
      expect(plan).toMatchObject({ strategy: expect.stringMatching(/./), why: expect.stringMatching(/./) })
      for (const count of ['verticesVisited', 'distancesComputed', 'rescored', 'bytesRead'] as const) {
        const sum = plan.segments.reduce((total, segment) => total + segment[count], 0)
        expect(plan[count], count).toBe(sum)
      }
      expect(plan.segments.reduce((total, { points }) => total + points, 0)).toBe(query.query === undefined ? 0 : 3000)
      expect(plan.tookUs).toBeGreaterThanOrEqual(0)
    })

    it('that every vector is compared if the answer must be exact', async () => {
      const { plan } = await (await filled()).explain({ query: NEAR, params: { exact: true } })
      expect(plan).toMatchObject({ strategy: 'scan', expectedRecall: 1, estimatedMatches: null, selectivity: null })
      expect(plan.distancesComputed).toBeGreaterThanOrEqual(3000)
      expect(plan.segments[0]).toMatchObject({ effort: null, codes: 'none' })
    })

    it('how many points are estimated to match a filter', async () => {
      const collection = await filled()
      for (const index of [false, true]) {
        if (index) await collection.createPayloadIndex('tenth', 'integer')
        const { plan } = await collection.explain({ query: NEAR, filter: TENTH })
        expect(plan.selectivity, `with index: ${index}`).toBeGreaterThan(0.02)
        expect(plan.selectivity, `with index: ${index}`).toBeLessThan(0.25)
        expect(plan.estimatedMatches).toBeCloseTo((plan.selectivity as number) * 3000, -1)
        if (index) expect(plan.estimatedMatches).toBe(300)
      }
    })

    it('how many points match a filter, in each segment and in total', async () => {
      const collection = await filled()
      // Deleted rows do not match, although an index may still have them.
      await collection.delete([4, 14, 24])
      for (const index of [false, true]) {
        if (index) await collection.createPayloadIndex('tenth', 'integer')
        for (const query of [{ query: NEAR }, { query: NEAR, params: { exact: true } }, {}]) {
          const { plan } = await collection.explain({ ...query, filter: TENTH, limit: 5 })
          expect(plan, JSON.stringify({ index, query })).toMatchObject({
            trueMatches: 297,
            trueSelectivity: 297 / 2997,
          })
          const segments = plan.segments.reduce((total, { trueMatches }) => total + (trueMatches as number), 0)
          expect(segments).toBe(query.query === undefined ? 0 : 297)
        }
      }
      for (const filter of [undefined, {}, { must: [] }]) {
        const { plan } = await collection.explain({ query: NEAR, ...(filter && { filter }) })
        expect(plan).toMatchObject({ trueMatches: null, trueSelectivity: null, segments: [{ trueMatches: null }] })
      }
    })

    it('a search of nothing', async () => {
      const { hits, plan } = await (await suite.single()).explain({ query: NEAR })
      expect(hits).toEqual([])
      expect(plan).toMatchObject({ distancesComputed: 0, segments: [] })
    })

    it('groups, with the same answer as the query', async () => {
      const collection = await filled()
      const query = { query: NEAR, groupBy: 'tenth', groupSize: 2, limit: 3, filter: TENTH, withVector: true }
      const { groups, plan } = await collection.explainGroups(query)
      expect(groups).toEqual(await collection.queryGroups(query))
      expect(groups).toMatchObject([{ id: 4, hits: [{}, {}] }])
      expect(plan).toMatchObject({ stage: 'groups', returned: 2, why: expect.stringMatching(/./), segments: [] })
      expect(plan.prefetch[0]).toMatchObject({ stage: 'nearest' })
    })

    it('a matrix', async () => {
      const { ids, pairs, plan } = await (await filled()).explainMatrix({ sample: 4, limit: 2 })
      expect(ids).toHaveLength(4)
      expect(pairs).toHaveLength(8)
      expect(plan).toMatchObject({ stage: 'matrix', returned: 8, why: expect.stringMatching(/./), segments: [] })
      const none = await (await suite.single()).explainMatrix()
      expect(none).toMatchObject({ ids: [], pairs: [], plan: { stage: 'matrix', returned: 0 } })
    })

    it('nothing that the query would refuse', async () => {
      const collection = await filled()
      await expect(collection.explain({ query: [1, 2] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(collection.explain({ query: 99_999 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(collection.explain({ query: NEAR, recall: 2 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      const groups = collection.explainGroups({ query: 99_999, groupBy: 'tenth' })
      await expect(groups).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(collection.explainMatrix({ using: 'x' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })
  })
}
