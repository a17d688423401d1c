import { describe, expect, it } from 'vitest'
import type { Filter } from '../../src/core/filter.js'
import type { Suite } from './database.contract.js'

const NOON = new Date('2024-05-01T12:00:00.250Z')
const LATER = new Date('2024-05-01T12:00:01Z')

export function describeValues(suite: Suite): void {
  describe('values as programs have them', () => {
    it('numbers in double precision are vectors', async () => {
      const collection = await suite.single()
      const third = new Float64Array([1 / 3, 0, 0])
      await collection.upsert([{ id: 1, vector: third }])
      await collection.upsert({ ids: [2, 3], vectors: new Float64Array([5, 0, 0, 6, 0, 0]) })
      await collection.updateVectors([{ id: 3, vector: new Float64Array([7, 0, 0]) }])
      expect((await collection.get(1, { withVector: true }))?.vector).toEqual(Float32Array.from(third))
      expect((await collection.get(3, { withVector: true }))?.vector).toEqual(new Float32Array([7, 0, 0]))
      expect(await collection.search(third, { limit: 1 })).toMatchObject([{ id: 1, score: 0 }])
      expect(await collection.query({ query: { nearest: new Float64Array([5, 0, 0]) }, limit: 1 })).toMatchObject([
        { id: 2, score: 0 },
      ])
      const positive = [new Float64Array([7, 0, 0])]
      expect(await collection.query({ query: { recommend: { positive } }, limit: 1 })).toMatchObject([{ id: 3 }])
    })

    it('of named and sparse vectors too', async () => {
      const name = `values-${Math.random().toString(36).slice(2)}`
      const collection = await suite.database.createCollection(name, {
        vectors: { tokens: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } } },
        sparseVectors: { words: {} },
      })
      const tokens = [new Float64Array([1, 0]), new Float64Array([0, 2])]
      const words = { indices: [5], values: new Float64Array([3]) }
      await collection.upsert([{ id: 1, vector: { tokens, words } }])
      await collection.upsert({ ids: [2], vectors: { tokens: new Float64Array([3, 0]) } })
      expect(await collection.search([new Float64Array([1, 1])], { using: 'tokens' })).toMatchObject([
        { id: 2, score: 3 },
        { id: 1, score: 2 },
      ])
      expect(await collection.search(words, { using: 'words' })).toMatchObject([{ id: 1, score: 9 }])
    })

    it('dates are RFC 3339 in payloads, and bounds of ranges', async () => {
      const collection = await suite.single()
      await collection.upsert([
        { id: 1, vector: [0, 0, 0], payload: { at: NOON, big: 2n ** 60n, list: [{ at: LATER }] } },
        { id: 2, vector: [0, 0, 1], payload: { at: LATER } },
      ])
      await collection.setPayload({ seen: NOON }, [2])
      expect(await collection.get(1)).toEqual({
        id: 1,
        payload: { at: NOON.toISOString(), big: 2n ** 60n, list: [{ at: LATER.toISOString() }] },
      })
      expect((await collection.get(2))?.payload).toEqual({ at: LATER.toISOString(), seen: NOON.toISOString() })
      const idsOf = async (filter: Filter) => (await collection.search([0, 0, 0], { filter })).map(({ id }) => id)
      for (const index of [false, true]) {
        if (index) await collection.createPayloadIndex('at', 'datetime')
        expect(await idsOf({ must: [{ key: 'at', range: { gt: NOON } }] })).toEqual([2])
        expect(await idsOf({ must: [{ key: 'at', range: { gte: NOON, lt: LATER } }] })).toEqual([1])
        expect(await idsOf({ must: [{ key: 'at', range: { gte: NOON.toISOString(), lte: LATER } }] })).toEqual([1, 2])
      }
    })

    it('errors say what was passed', async () => {
      const collection = await suite.single()
      const message = async (asked: Promise<unknown>) =>
        ((await asked.catch((error: unknown) => error)) as Error).message
      const upsert = (vector: unknown) => message(collection.upsert([{ id: 1, vector: vector as never }]))
      expect(await upsert(new Float64Array(2))).toMatch(/^points\[0\]\.vector: .*expected dim: 3, got 2$/)
      expect(await upsert([1, 2, '3'])).toMatch(/^points\[0\]\.vector\[2\]: expected a number, got "3"$/)
      const invalidDate = message(
        collection.upsert([{ id: 1, vector: [1, 2, 3], payload: { at: new Date(Number.NaN) } }]),
      )
      expect(await invalidDate).toMatch(/expected a date that is valid, got a Date$/)
      expect(await collection.has(1)).toBe(false)
    })
  })
}
