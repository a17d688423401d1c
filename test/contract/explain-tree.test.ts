import { describe, expect, it, onTestFinished } from 'vitest'
import type { Collection, QueryOptions } from '../../src/core/database.js'
import { FACES, openFace } from './faces.js'

const NEAR = [20.2, 30.1, 3]
const POINTS = Array.from({ length: 500 }, (_, id) => ({ id, vector: [id % 50, id / 50, id % 7], payload: { n: id } }))

const TENTH = { must: [{ key: 'tenth', match: { value: 4 } }] }

async function filled(face: (typeof FACES)[number]): Promise<Collection> {
  const { database, dispose } = await openFace(face)
  onTestFinished(dispose)
  const collection = await database.createCollection('c', { vectors: { size: 3, distance: 'Euclid' } })
  await collection.upsert(POINTS)
  await collection.createPayloadIndex('n', 'integer')
  return collection
}

describe.each(FACES)('explained by the %s', (face) => {
  it('stages form a tree, each with its costs', async () => {
    const nested = { prefetch: { query: NEAR, limit: 20 }, query: { recommend: { positive: [3] } }, limit: 7 }
    const query: QueryOptions = {
      prefetch: [nested, { query: { orderBy: 'n' }, limit: 4 }],
      query: { fusion: 'rrf' },
      limit: 9,
    }
    const collection = await filled(face)
    const { hits, plan } = await collection.explain(query)
    expect(hits).toEqual(await collection.query(query))
    expect(plan).toMatchObject({
      stage: 'rrf',
      returned: hits.length,
      segments: [],
      prefetch: [
        { stage: 'recommend', returned: 7, prefetch: [{ stage: 'nearest', returned: 20, prefetch: [] }] },
        { stage: 'order_by', returned: 4, prefetch: [] },
      ],
    })
    const [recommend] = plan.prefetch
    expect(recommend?.distancesComputed).toBe(20)
    expect(recommend?.prefetch[0]?.distancesComputed).toBeGreaterThan(20)
    expect(plan.tookUs).toBeGreaterThanOrEqual(recommend?.tookUs as number)
  })

  it.each<[string, QueryOptions]>([
    ['ids', {}],
    ['sample', { query: { sample: 'random' } }],
    ['discover', { query: { discover: { target: 1, context: [] } } }],
    ['context', { query: { context: { positive: 1, negative: 2 } } }],
    ['mmr', { query: { nearest: 1, mmr: {} } }],
    ['formula', { prefetch: { query: NEAR }, query: { formula: '$score' } }],
    ['dbsf', { prefetch: { query: NEAR }, query: { fusion: 'dbsf' } }],
  ])('%s', async (stage, query) => {
    const { hits, plan } = await (await filled(face)).explain({ ...query, limit: 3 })
    expect(hits).toHaveLength(3)
    expect(plan).toMatchObject({
      stage,
      returned: 3,
      strategy: expect.stringMatching(/./),
      why: expect.stringMatching(/./),
    })
  })

  it('prefetches go for the default recall of the collection', async () => {
    const collection = await filled(face)
    await collection.updateConfig({ hnswConfig: { recall: 0.8 } })
    const prefetch = [{ query: NEAR }, { query: NEAR, recall: 0.9 }]
    const { plan } = await collection.explain({ prefetch, query: { fusion: 'rrf' } })
    expect(plan.prefetch.map(({ askedRecall }) => askedRecall)).toEqual([0.8, 0.9])
    expect(plan.askedRecall).toBeUndefined()
  })

  it('few matches are compared directly, as in the query itself', async () => {
    const collection = await filled(face)
    await collection.waitForIndex()
    const query = { query: NEAR, filter: { must: [{ key: 'n', range: { gte: 40, lt: 43 } }] } }
    const { hits, plan } = await collection.explain(query)
    expect(hits).toEqual(await collection.query(query))
    const told = { strategy: 'scan of matches', why: expect.stringMatching(/so few points match/), expectedRecall: 1 }
    expect(plan).toMatchObject({ ...told, trueMatches: 3, distancesComputed: 3, rescored: 0 })
    expect(plan.segments).toMatchObject([{ ...told, effort: null, codes: 'none' }])
    const exact = await collection.explain({ ...query, params: { exact: true } })
    expect(exact.plan.why).toBe('an exact search was asked for')
  })

  it('payloads that conditions and the answer have read', async () => {
    const collection = await filled(face)
    await collection.upsert(POINTS.map((point) => ({ ...point, payload: { tenth: point.id % 10 } })))
    const text = '{"tenth":4}'.length
    const exact = { query: NEAR, params: { exact: true }, limit: 5 }
    const read = async (query: QueryOptions) => (await collection.explain({ ...exact, ...query })).plan
    expect(await read({ withPayload: false })).toMatchObject({
      payloadBytesRead: 0,
      rowBytes: { payload: 0, vectors: 0 },
    })
    expect(await read({})).toMatchObject({ payloadBytesRead: 0, rowBytes: { payload: 5 * text, vectors: 0 } })
    const filtered = await read({ filter: TENTH, withVector: true })
    expect(filtered.rowBytes).toEqual({ payload: 5 * text, vectors: 5 * 3 * 4 })
    expect(filtered.payloadBytesRead).toBeGreaterThanOrEqual(5 * text)
    expect(filtered.payloadBytesRead).toBe(filtered.segments[0]?.payloadBytesRead)
    await collection.createPayloadIndex('tenth', 'integer')
    expect(await read({ filter: TENTH })).toMatchObject({ payloadBytesRead: 0 })
    const fused = { prefetch: { query: NEAR, limit: 7 }, query: { fusion: 'rrf' }, limit: 6 } as const
    expect(await read(fused)).toMatchObject({
      rowBytes: { payload: 6 * text },
      prefetch: [{ rowBytes: { payload: 0 } }],
    })
    const formula = { prefetch: { query: NEAR, limit: 7 }, query: { formula: 'tenth' }, limit: 6 } as const
    expect(await read(formula)).toMatchObject({ rowBytes: { payload: 13 * text } })
  })

  it('groups: every round of searching, and the rows that the answer read', async () => {
    const collection = await filled(face)
    // The nearest are all of one group, so one round does not find the others.
    const payload = (id: number) => ({ group: id < 400 ? 'many' : `g${id % 3}` })
    await collection.upsert(POINTS.map(({ id }) => ({ id, vector: [id, 0, 0], payload: payload(id) })))
    const exact = { params: { exact: true } }
    const query = { query: [0, 0, 0], groupBy: 'group', groupSize: 2, limit: 3, withVector: true, ...exact }
    const { groups, plan } = await collection.explainGroups(query)
    expect(groups).toEqual(await collection.queryGroups(query))
    expect(groups.map(({ id }) => id)).toEqual(['many', 'g1', 'g2'])
    expect(plan).toMatchObject({ stage: 'groups', returned: 6, distancesComputed: 0 })
    expect(plan.rowBytes).toEqual({
      payload: 2 * '{"group":"many"}'.length + 4 * '{"group":"g0"}'.length,
      vectors: 6 * 3 * 4,
    })
    expect(plan.prefetch.length).toBeGreaterThan(1)
    for (const round of plan.prefetch) {
      expect(round).toMatchObject({ stage: 'nearest', trueMatches: expect.any(Number) })
      expect(round.tookUs).toBeLessThanOrEqual(plan.tookUs)
    }
    const fused = { prefetch: { query: NEAR }, query: { fusion: 'rrf' }, groupBy: 'group', limit: 1 } as const
    const { prefetch } = (await collection.explainGroups(fused)).plan
    expect(prefetch[0]).toMatchObject({ stage: 'rrf', prefetch: [{ stage: 'nearest' }] })
  })

  it('groups without results, and points that are looked up for them', async () => {
    const collection = await filled(face)
    const none = await collection.explainGroups({ query: NEAR, groupBy: 'nowhere' })
    expect(none).toMatchObject({ groups: [], plan: { returned: 0, prefetch: [{ returned: 0 }] } })
    const query = { query: NEAR, groupBy: 'n', limit: 2, groupSize: 1, withPayload: false }
    const read = async (more: object) => (await collection.explainGroups({ ...query, ...more })).plan.rowBytes
    expect(await read({})).toEqual({ payload: 0, vectors: 0 })
    expect((await read({ withLookup: 'c' })).payload).toBeGreaterThan(0)
  })

  it('a matrix: the sample, and the search from each of its points', async () => {
    const collection = await filled(face)
    const below = { must: [{ key: 'n', range: { lt: 100 } }] }
    const { ids, pairs, plan } = await collection.explainMatrix({ sample: 5, limit: 2, filter: below })
    expect(pairs).toHaveLength(10)
    expect(plan).toMatchObject({ stage: 'matrix', returned: 10, distancesComputed: 0 })
    const [sample, ...searches] = plan.prefetch
    expect(sample).toMatchObject({ stage: 'sample', returned: 5, trueMatches: 100, rowBytes: { vectors: 5 * 3 * 4 } })
    expect(searches).toHaveLength(ids.length)
    for (const one of searches) {
      expect(one).toMatchObject({ stage: 'nearest', returned: 2, trueMatches: 5, expectedRecall: 1, prefetch: [] })
      expect(one.distancesComputed).toBeGreaterThanOrEqual(4)
    }
    const few = await collection.explainMatrix({ filter: { must: { hasId: [1] } } })
    expect(few).toMatchObject({
      ids: [],
      pairs: [],
      plan: { returned: 0, prefetch: [{ stage: 'sample', returned: 1 }] },
    })
  })
})
