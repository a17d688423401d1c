/** Queries of Qdrant's published client. */
import { QdrantClient } from '@qdrant/js-client-rest'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from './service.js'

const PLACES = 'places'
const idsOf = (points: readonly { id: unknown }[]) => points.map(({ id }) => id)

let client: QdrantClient
beforeEach(async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const { url } = await startService({ database })
  client = new QdrantClient({ url })
  await client.createCollection(PLACES, { vectors: { size: 2, distance: 'Euclid' } })
  const points = Array.from({ length: 20 }, (_, id) => ({
    id,
    vector: [id, 0],
    payload: { n: id, country: `c${id % 4}`, at: `2026-01-${String(id + 1).padStart(2, '0')}T00:00:00Z`, lat: id },
  }))
  await client.upsert(PLACES, { wait: true, points })
  await client.createPayloadIndex(PLACES, { wait: true, field_name: 'n', field_schema: 'integer' })
  await client.createPayloadIndex(PLACES, { wait: true, field_name: 'country', field_schema: 'keyword' })
})

describe('the client of 1.19 asks', () => {
  it('for fused prefetches', async () => {
    const prefetch = [
      { query: [3, 0], limit: 3 },
      { query: [4, 0], limit: 3 },
    ]
    const { points } = await client.query(PLACES, { prefetch, query: { fusion: 'rrf' }, with_payload: ['n'] })
    expect(new Set(idsOf(points).slice(0, 2))).toEqual(new Set([3, 4]))
    expect(points[0]?.payload).toEqual({ n: points[0]?.id })
    const weighted = await client.query(PLACES, { prefetch, query: { rrf: { k: 60, weights: [1, 0] } }, limit: 1 })
    expect(idsOf(weighted.points)).toEqual([3])
  })

  it('for vectors that are added to and dropped from the collection', async () => {
    const dense = { size: 3, distance: 'Dot', datatype: 'float16' } as const
    const completed = { status: 'completed', operation_id: expect.any(Number) }
    expect(await client.createVectorName(PLACES, 'view', { dense }, { wait: true })).toMatchObject(completed)
    expect(
      await client.createVectorName(PLACES, 'words', { sparse: { modifier: 'idf' } }, { wait: false }),
    ).toMatchObject({
      status: 'acknowledged',
    })
    const { params } = (await client.getCollection(PLACES)).config
    expect(params.vectors).toMatchObject({ '': { size: 2, distance: 'Euclid' }, view: dense })
    expect(params.sparse_vectors).toEqual({ words: { modifier: 'idf' } })
    const vector = { view: [1, 2, 3], words: { indices: [9, 4], values: [1, 2] } }
    await client.updateVectors(PLACES, { wait: true, points: [{ id: 7, vector }] })
    expect(idsOf((await client.query(PLACES, { query: [1, 1, 1], using: 'view' })).points)).toEqual([7])
    expect(
      idsOf((await client.query(PLACES, { query: { indices: [4], values: [1] }, using: 'words' })).points),
    ).toEqual([7])
    const [point] = await client.retrieve(PLACES, { ids: [7], with_vector: true })
    expect(point?.vector).toEqual({ '': [7, 0], view: [1, 2, 3], words: { indices: [4, 9], values: [2, 1] } })
    expect(await client.deleteVectorName(PLACES, 'view', { wait: true })).toMatchObject(completed)
    await expect(client.query(PLACES, { query: [1, 1, 1], using: 'view' })).rejects.toMatchObject({ status: 400 })
    await expect(client.createVectorName(PLACES, 'words', { dense })).rejects.toMatchObject({ status: 400 })
    await expect(client.createVectorName('absent', 'words', { dense })).rejects.toMatchObject({ status: 404 })
    await expect(client.deleteVectorName('absent', 'words')).rejects.toMatchObject({ status: 404 })
  })

  it('for a formula, with decay and conditions', async () => {
    const { points } = await client.query(PLACES, {
      prefetch: { query: [0, 0], limit: 20 },
      query: {
        formula: {
          sum: [
            { mult: [10, { key: 'country', match: { value: 'c1' } }] },
            { exp_decay: { x: { datetime_key: 'at' }, target: { datetime: '2026-01-06T00:00:00Z' }, scale: 86_400 } },
          ],
        },
      },
      limit: 2,
    })
    expect(points[0]).toMatchObject({ id: 5, score: 11 })
  })

  it('for recommendations, discoveries and contexts', async () => {
    const ask = async (query: object) => idsOf((await client.query(PLACES, { query: query as never, limit: 1 })).points)
    expect(await ask({ recommend: { positive: [4, 6] } })).toEqual([5])
    expect(await ask({ recommend: { positive: [[5, 0]], negative: [18], strategy: 'best_score' } })).toEqual([5])
    expect(await ask({ discover: { target: [9, 0], context: [{ positive: 16, negative: 4 }] } })).toEqual([11])
    expect(await client.query(PLACES, { query: { context: [{ positive: 16, negative: 4 }] } })).toMatchObject({
      points: expect.arrayContaining([expect.objectContaining({ id: 15 })]),
    })
  })

  it('for an order, a sample and diversity', async () => {
    const ordered = await client.query(PLACES, { query: { order_by: { key: 'n', direction: 'desc' } }, limit: 2 })
    expect(ordered.points).toMatchObject([
      { id: 19, order_value: 19 },
      { id: 18, order_value: 18 },
    ])
    expect((await client.query(PLACES, { query: { sample: 'random' }, limit: 5 })).points).toHaveLength(5)
    const diverse = await client.query(PLACES, {
      query: { nearest: [5, 0], mmr: { diversity: 1, candidates_limit: 10 } },
      limit: 2,
    })
    expect(diverse.points[0]?.id).toBe(5)
    expect(Math.abs(Number(diverse.points[1]?.id) - 5)).toBeGreaterThan(3)
    const page = await client.scroll(PLACES, { order_by: { key: 'n', start_from: 18 }, with_payload: false })
    expect(page).toMatchObject({ points: [{ id: 18, order_value: 18 }, { id: 19 }], next_page_offset: null })
  })

  it('for groups, facets and matrices', async () => {
    const { groups } = await client.queryGroups(PLACES, { query: [0, 0], group_by: 'country', group_size: 1, limit: 2 })
    expect(groups.map(({ id, hits }) => [id, hits[0]?.id])).toEqual([
      ['c0', 0],
      ['c1', 1],
    ])
    expect(await client.facet(PLACES, { key: 'country', limit: 1 })).toEqual({ hits: [{ value: 'c0', count: 5 }] })
    const pairs = await client.searchMatrixPairs(PLACES, { sample: 4, limit: 1 })
    expect(pairs.pairs).toHaveLength(4)
    const offsets = await client.searchMatrixOffsets(PLACES, { sample: 4, limit: 1 })
    expect(offsets.ids).toHaveLength(4)
    expect(offsets.scores).toHaveLength(4)
  })
})
