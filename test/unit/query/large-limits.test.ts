/** Limits above the bound below which the number of points is not looked at. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Collection, Database } from '../../../src/core/database.js'
import { memoryBudget } from '../../../src/engine/memory/memory-budget.js'
import { open } from '../../../src/index.js'

const POINTS = 70_000
const ALL = 1e9

describe('a limit beyond the number of points', () => {
  let database: Database
  let points: Collection
  beforeAll(async () => {
    database = await open(':memory:')
    points = await database.createCollection('many', { vectors: { size: 1, distance: 'Dot' } })
    const ids = Uint32Array.from({ length: POINTS }, (_, at) => at)
    await points.upsert({ ids, vectors: Float32Array.from(ids), payloads: Array.from(ids, (n) => ({ n })) })
    await points.createPayloadIndex('n', 'integer')
  })
  afterAll(() => database.close())

  it('gives all of them, in their order', async () => {
    const asked = { query: [1], limit: ALL, withPayload: false, params: { exact: true } }
    const hits = await points.query(asked)
    expect(hits).toHaveLength(POINTS)
    expect([hits[0]?.id, hits[POINTS - 1]?.id]).toEqual([POINTS - 1, 0])
    expect(await points.query({ ...asked, offset: POINTS - 3 })).toMatchObject([{ id: 2 }, { id: 1 }, { id: 0 }])
    expect(await points.query({ ...asked, offset: POINTS })).toEqual([])
    const merged = await points.query({ ...asked, prefetch: { query: [1], limit: ALL, params: { exact: true } } })
    expect(merged).toHaveLength(POINTS)
  })

  it('is of any prefetch, as long as the points found fit into memory', async () => {
    const all = { query: { sample: 'random' }, limit: ALL } as const
    const asked = { query: { fusion: 'rrf' }, limit: 3, withPayload: false } as const
    expect(await points.query({ ...asked, prefetch: new Array(8).fill(all) })).toHaveLength(3)
    await expect(points.query({ ...asked, prefetch: new Array(1_024).fill(all) })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      details: { field: 'prefetch', seen: 1_024 * POINTS },
    })
  })

  it('of prefetches waits for room below a memory limit', async () => {
    onTestFinished(memoryBudget.limit(1024 ** 3))
    const all = { query: { sample: 'random' }, limit: ALL } as const
    const asked = { query: { fusion: 'rrf' }, limit: 3, withPayload: false } as const
    expect(await points.query({ ...asked, prefetch: new Array(4).fill(all) })).toHaveLength(3)
    await expect(points.query({ ...asked, prefetch: new Array(1_024).fill(all) })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      details: { bound: 1024 ** 3 },
    })
    expect(memoryBudget.reservedBytes).toBe(0)
  })

  it('gives all pages, values and groups', async () => {
    const page = await points.scrollPage({ limit: ALL, withPayload: false })
    expect(page.points).toHaveLength(POINTS)
    expect(page.nextOffset).toBeNull()
    expect(await points.facet({ key: 'n', limit: ALL })).toHaveLength(POINTS)
    const ordered = await points.scrollPage({
      limit: ALL,
      withPayload: false,
      orderBy: { key: 'n', direction: 'desc' },
    })
    expect(ordered.points).toHaveLength(POINTS)
    const ids = Array.from({ length: POINTS }, (_, at) => at)
    expect(await points.retrieve(ids, { withPayload: false })).toHaveLength(POINTS)
  })

  it('does not repeat a large point in any number of groups', async () => {
    const large = await database.createCollection('large', { vectors: { size: 1, distance: 'Dot' } })
    const n = Array.from({ length: 1_200 }, (_, at) => at)
    await large.upsert([{ id: 1, vector: [1], payload: { n, text: 'x'.repeat(1024 * 1024) } }])
    const asked = { query: [1], groupBy: 'n', limit: ALL }
    // Parsed payloads are shared by the groups; texts are sent once for each.
    expect(await large.queryGroups(asked)).toHaveLength(1_200)
    await expect(large.queryGroups({ ...asked, rawPayload: true })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(await large.queryGroups({ ...asked, rawPayload: true, withPayload: ['n'] })).toHaveLength(1_200)
  })
})
