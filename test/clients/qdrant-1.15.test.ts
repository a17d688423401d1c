/** Qdrant's client of 1.15, unmodified, on the paths of its time. */
import { QdrantClient } from 'js-client-rest-1.15'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from '../contract/service.js'

const PLACES = 'places'
const idsOf = (points: readonly { id: unknown }[]) => points.map(({ id }) => id)

let older: QdrantClient
beforeEach(async () => {
  const database = await open(':memory:')
  onTestFinished(() => database.close())
  const { url } = await startService({ database })
  older = new QdrantClient({ url })
  await older.createCollection(PLACES, { vectors: { size: 2, distance: 'Euclid' } })
  const points = Array.from({ length: 20 }, (_, id) => ({
    id,
    vector: [id, 0],
    payload: { n: id, country: `c${id % 4}` },
  }))
  await older.upsert(PLACES, { wait: true, points })
})

describe('the client of 1.15 asks', () => {
  it('for a search, one and several', async () => {
    expect(idsOf(await older.search(PLACES, { vector: [7, 0], limit: 3 }))).toEqual(expect.arrayContaining([7, 6, 8]))
    const searches = [
      { vector: [7, 0], limit: 1 },
      { vector: [9, 0], limit: 1, with_payload: true },
    ]
    const answers = await older.searchBatch(PLACES, { searches })
    expect(answers.map(idsOf)).toEqual([[7], [9]])
    expect(answers[1]?.[0]?.payload).toMatchObject({ n: 9 })
  })

  it('for groups of a search', async () => {
    const { groups } = await older.searchPointGroups(PLACES, {
      vector: [0, 0],
      group_by: 'country',
      group_size: 2,
      limit: 1,
    })
    expect(groups.map(({ id, hits }) => [id, idsOf(hits)])).toEqual([['c0', [0, 4]]])
  })

  it('for recommendations, one, several and in groups', async () => {
    expect(idsOf(await older.recommend(PLACES, { positive: [4, 6], limit: 1 }))).toEqual([5])
    const searches = [
      { positive: [4, 6], limit: 1 },
      { positive: [10], negative: [12], limit: 1, strategy: 'best_score' as const },
    ]
    expect((await older.recommend_batch(PLACES, { searches })).map(idsOf)).toEqual([[5], [9]])
    const { groups } = await older.recommendPointGroups(PLACES, {
      positive: [4, 6],
      group_by: 'country',
      group_size: 1,
      limit: 1,
    })
    expect(groups.map(({ id }) => id)).toEqual(['c1'])
  })

  it('for discoveries, one and several', async () => {
    const discovery = { target: [9, 0], context: [{ positive: 16, negative: 4 }], limit: 1 }
    expect(idsOf(await older.discoverPoints(PLACES, discovery))).toEqual([11])
    expect((await older.discoverBatchPoints(PLACES, { searches: [discovery, discovery] })).map(idsOf)).toEqual([
      [11],
      [11],
    ])
  })

  it('for queries of its own version', async () => {
    const { points } = await older.query(PLACES, { prefetch: { query: [3, 0], limit: 4 }, query: [0, 0], limit: 1 })
    expect(Number(points[0]?.id)).toBeLessThan(4)
  })
})
