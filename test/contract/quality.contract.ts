import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { Suite } from './database.contract.js'

/** Points on a circle of radius 5 in the first two of three dimensions, and one of them twice. */
const ON_CIRCLE = Array.from({ length: 60 }, (_, at) => ({
  id: at,
  vector: [5 * Math.cos(at / 9.5), 5 * Math.sin(at / 9.5), 7],
  payload: { half: at % 2 },
}))
const TWIN = { id: 100, vector: ON_CIRCLE[7]?.vector as number[], payload: { half: 1 } }

export function describeQuality(suite: Suite): void {
  const filled = async (): Promise<Collection> => {
    const collection = await suite.single()
    await collection.upsert([...ON_CIRCLE, TWIN])
    return collection
  }

  describe('quality reports', () => {
    it('tell norms, constant dimensions, the intrinsic dimension and near duplicates', async () => {
      const collection = await filled()
      const report = await collection.quality({ seed: 7, threshold: 0.01 })
      expect(report).toMatchObject({ seed: 7, points: 61, skipped: [], modalities: [] })
      const [vector] = report.vectors
      expect(vector).toMatchObject({ name: '', size: 3, distance: 'Euclid', count: 61, sampled: 61 })
      expect(vector?.norms).toMatchObject({ measured: 'stored', zero: 0 })
      expect(vector?.norms?.median).toBeCloseTo(Math.hypot(5, 7), 4)
      expect(vector?.constantDimensions).toEqual({ count: 1, dimensions: [2] })
      expect(vector?.nearDuplicates).toMatchObject({ threshold: 0.01, rate: 0.0327869, groups: [{ size: 2 }] })
      expect(vector?.nearDuplicates?.groups[0]?.ids).toEqual(expect.arrayContaining([7, 100]))
      expect(vector?.intrinsicDimension?.value).toBeGreaterThan(0.7)
      expect(vector?.intrinsicDimension?.value).toBeLessThan(1.6)
    })

    it('are the same for the same seed', async () => {
      const collection = await filled()
      const [first, second] = [await collection.quality({ seed: 3 }), await collection.quality({ seed: 3 })]
      expect({ ...second, time: '', tookMs: 0 }).toEqual({ ...first, time: '', tookMs: 0 })
    })

    it('are kept, the oldest first', async () => {
      const collection = await filled()
      expect(await collection.qualityHistory()).toEqual([])
      const reports = [await collection.quality({ seed: 1 }), await collection.quality({ seed: 2 })]
      expect(await collection.qualityHistory()).toEqual(reports)
    })

    it('of an empty collection say so', async () => {
      const collection = await suite.single()
      const { vectors } = await collection.quality()
      expect(vectors).toMatchObject([{ count: 0, sampled: 0, notes: ['it has fewer than two points'] }])
    })

    it('tell each named vector, or the one asked for', async () => {
      const collection = await suite.named()
      await collection.upsert(
        ON_CIRCLE.map(({ id, vector }) => ({ id, vector: { text: vector.slice(0, 2), image: vector } })),
      )
      expect((await collection.quality()).vectors.map(({ name }) => name)).toEqual(['text', 'image'])
      const { vectors } = await collection.quality({ using: 'text' })
      expect(vectors).toMatchObject([{ name: 'text', distance: 'Cosine', norms: { measured: 'scaled' } }])
      await expect(collection.quality({ using: 'other' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })

    it('refuse wrong options by name', async () => {
      const collection = await suite.single()
      await expect(collection.quality({ sample: 1 })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { field: 'sample' },
      })
    })
  })

  describe('drift', () => {
    it('is told beside a reference of now, of an operation and of a filter', async () => {
      const collection = await suite.single()
      const { operationId } = await collection.upsert(ON_CIRCLE)
      await collection.setQualityReference()
      const before = (await collection.quality()).vectors[0]
      expect([before?.drift, before?.notes.join()]).toEqual([undefined, expect.stringContaining('drift: ')])
      const moved = ON_CIRCLE.map(({ id, vector, payload }) => ({
        id: id + 200,
        vector: vector.map((x) => x + 9),
        payload,
      }))
      await collection.upsert(moved)
      const drift = { drifted: true, reference: 60, current: 60, auc: 1 }
      expect((await collection.quality()).vectors[0]?.drift).toMatchObject(drift)
      await collection.setQualityReference({ operationId })
      const report = await collection.quality()
      expect(report).toMatchObject({ reference: { operationId }, vectors: [{ drift }] })
      const half = { must: [{ key: 'half', match: { any: [0] } }] }
      await collection.setQualityReference({ filter: half })
      const other = await collection.quality()
      expect(other).toMatchObject({ reference: { filter: half }, vectors: [{ drift: { reference: 60, current: 60 } }] })
      expect(await collection.deleteQualityReference()).toBe(true)
      expect(await collection.deleteQualityReference()).toBe(false)
      expect((await collection.quality()).reference).toBeUndefined()
    })

    it('has no reference of the future, nor one of two kinds', async () => {
      const collection = await suite.single()
      for (const wrong of [{ operationId: 1e9 }, { operationId: 0, filter: { must: [] } }, { operationId: -1 }]) {
        await expect(collection.setQualityReference(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
    })
  })

  describe('near-duplicate pairs', () => {
    it('are told once each, the best first', async () => {
      const collection = await filled()
      const exact = await collection.pairs({ threshold: 0 })
      expect(exact).toEqual({ pairs: [{ a: 7, b: 100, score: 0 }], points: 61, isComplete: true })
      const more = await collection.pairs({ threshold: 0.6 })
      expect(more.isComplete).toBe(true)
      const keys = more.pairs.map(({ a, b }) => `${a} ${b}`)
      expect(new Set(keys).size).toBe(keys.length)
      expect(keys).toContain('30 31')
      expect(more.pairs.map(({ score }) => score)).toEqual(more.pairs.map(({ score }) => score).sort((a, b) => a - b))
    })

    it('beyond a bound are left out, and the answer says so', async () => {
      const collection = await filled()
      const { pairs, isComplete } = await collection.pairs({ threshold: 10, limit: 5 })
      expect([pairs.length, isComplete]).toEqual([5, false])
      const part = await collection.pairs({ threshold: 0, maxPoints: 10 })
      expect(part).toEqual({ pairs: [{ a: 7, b: 100, score: 0 }], points: 10, isComplete: false })
    })

    it('need a threshold', async () => {
      const collection = await suite.single()
      await expect(collection.pairs({} as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })
  })

  describe('neighbour lists', () => {
    it('are told page by page, nearest first, without the point itself', async () => {
      const collection = await filled()
      const first = await collection.neighbours({ neighbours: 3, limit: 40 })
      const second = await collection.neighbours({ neighbours: 3, limit: 40, offset: first.nextOffset })
      expect([first.ids.length, first.nextOffset, second.ids.length, second.nextOffset]).toEqual([40, 40, 21, null])
      expect([...first.ids, ...second.ids]).toEqual([...ON_CIRCLE.map(({ id }) => id), 100])
      expect(first.neighbours[7]?.[0]).toBe(100)
      expect(first.distances[7]?.[0]).toBeCloseTo(0, 3)
      expect(first.neighbours[20]?.slice(0, 2).sort()).toEqual([19, 21])
      expect(first.distances[20]?.[0]).toBeCloseTo(2 * 5 * Math.sin(1 / 19), 3)
    })

    it('of a share have their neighbours among it, by the same seed the same', async () => {
      const collection = await filled()
      const asked = { share: 0.5, seed: 7, neighbours: 2 }
      const { ids, neighbours } = await collection.neighbours(asked)
      expect(ids.length).toBeGreaterThan(10)
      expect(ids.length).toBeLessThan(51)
      expect(ids).toEqual(expect.arrayContaining(neighbours.flat()))
      expect(neighbours.map((list) => list.length)).toEqual(ids.map(() => 2))
      const parts = await collection.neighbours({ ...asked, limit: 20 })
      expect(ids.slice(0, parts.ids.length)).toEqual(parts.ids)
      expect((await collection.neighbours({ ...asked, seed: 8 })).ids).not.toEqual(ids)
    })

    it('after an operation are those of points that were changed since', async () => {
      const collection = await filled()
      const { operationId } = await collection.neighbours({ limit: 1 })
      await collection.upsert([{ id: 200, vector: ON_CIRCLE[30]?.vector as number[], payload: {} }])
      const { ids, neighbours } = await collection.neighbours({ afterOperation: operationId, neighbours: 1 })
      expect({ ids, neighbours }).toEqual({ ids: [200], neighbours: [[30]] })
    })

    it('of a filter have their neighbours among it, and those after an operation too', async () => {
      const collection = await filled()
      const even = ON_CIRCLE.map(({ id }) => id).filter((id) => id % 2 === 0)
      const filter = { must: [{ hasId: even }] }
      const { ids, neighbours, nextOffset } = await collection.neighbours({ filter, neighbours: 2 })
      expect({ ids, nextOffset }).toEqual({ ids: even, nextOffset: null })
      expect(neighbours[10]?.slice().sort()).toEqual([18, 22])
      const { operationId } = await collection.neighbours({ limit: 1 })
      await collection.upsert([20, 21].map((id) => ({ ...(ON_CIRCLE[id] as (typeof ON_CIRCLE)[number]) })))
      const after = await collection.neighbours({ filter, afterOperation: operationId, neighbours: 2 })
      expect(after.ids).toEqual([20])
    })

    it('of what cannot be are refused', async () => {
      const collection = await filled()
      for (const [field, wrong] of Object.entries({ share: 0.001, neighbours: 65, limit: 0, using: 'other' })) {
        await expect(collection.neighbours({ [field]: wrong }), field).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
        })
      }
    })
  })
}
