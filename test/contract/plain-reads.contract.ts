import { describe, expect, it } from 'vitest'
import type { Suite } from './database.contract.js'

const OSLO = { place: 'Oslo' }
const UUID = '11111111-2222-4333-8444-555555555555'
const TOO_LARGE = 2n ** 53n + 1n

export function describePlainReads(suite: Suite): void {
  const filled = async () => {
    const collection = await suite.single()
    await collection.upsert([
      { id: 1, vector: [0, 0, 1], payload: OSLO },
      { id: 2, vector: [0, 0, 2], payload: { place: 'Rome' } },
      { id: UUID, vector: [0, 0, 3], payload: OSLO },
      { id: TOO_LARGE, vector: [0, 0, 4] },
    ])
    return collection
  }

  describe('a plain search', () => {
    it('answers hits as the query does', async () => {
      const collection = await filled()
      for (const vector of [[0, 0, 0], new Float32Array(3)]) {
        const query = await collection.query({ query: vector, limit: 2 })
        expect(await collection.search(vector, { limit: 2 })).toEqual(query)
        expect(query.map(({ id }) => id)).toEqual([1, 2])
      }
      expect(await collection.search([0, 0, 0])).toHaveLength(4)
    })

    it('takes filter, offset, threshold, and what is to be told of the points', async () => {
      const collection = await filled()
      const filter = { must: [{ key: 'place', match: { value: 'Oslo' } }] }
      const hits = await collection.search([0, 0, 0], { filter, offset: 1, withPayload: false, withVector: true })
      expect(hits).toMatchObject([{ id: UUID, score: 3, vector: new Float32Array([0, 0, 3]) }])
      expect(hits[0]).not.toHaveProperty('payload')
      expect(await collection.search([0, 0, 0], { scoreThreshold: 1.5, exact: undefined } as never)).toHaveLength(1)
    })

    it('takes the name of a vector, multivectors and sparse vectors', async () => {
      const name = `plain-${Math.random().toString(36).slice(2)}`
      const collection = await suite.database.createCollection(name, {
        vectors: {
          dense: { size: 2, distance: 'Dot' },
          tokens: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
        },
        sparseVectors: { words: {} },
      })
      const tokens = [
        [1, 0],
        [0, 2],
      ]
      await collection.upsert([{ id: 1, vector: { dense: [1, 2], tokens, words: { indices: [5], values: [3] } } }])
      expect(await collection.search([2, 2], { using: 'dense' })).toMatchObject([{ id: 1, score: 6 }])
      expect(await collection.search([[1, 1]], { using: 'tokens' })).toMatchObject([{ id: 1, score: 2 }])
      const words = { indices: [5], values: [2] }
      expect(await collection.search(words, { using: 'words' })).toMatchObject([{ id: 1, score: 6 }])
    })

    it('refuses what is no vector, and says what it was', async () => {
      const collection = await filled()
      for (const [odd, got] of [
        [undefined, 'null'],
        [null, 'null'],
        [1, '1'],
        [UUID, `"${UUID}"`],
      ] as const) {
        const refused = expect(collection.search(odd as never)).rejects
        await refused.toMatchObject({ code: 'INVALID_ARGUMENT', details: { field: 'vector' } })
        await expect(collection.search(odd as never)).rejects.toThrow(new RegExp(`^vector: expected .*, got ${got}$`))
      }
      const options = { query: [1, 2, 3] } as never
      await expect(collection.search([1, 2, 3], options)).rejects.toThrow(/^query: expected a known option/)
    })
  })

  describe('one point', () => {
    it('is got by its id', async () => {
      const collection = await filled()
      expect(await collection.get(1)).toEqual({ id: 1, payload: OSLO })
      expect(await collection.get(UUID, { withPayload: false, withVector: true })).toEqual({
        id: UUID,
        vector: new Float32Array([0, 0, 3]),
      })
      expect((await collection.get(TOO_LARGE))?.id).toBe(TOO_LARGE)
    })

    it('is null where there is none', async () => {
      const collection = await filled()
      expect(await collection.get(3)).toBeNull()
      await collection.delete([1])
      expect(await collection.get(1)).toBeNull()
    })

    it('is told to be there or not', async () => {
      const collection = await filled()
      const ids = [1, 3, UUID, UUID.replace('1', '2'), TOO_LARGE]
      expect(await Promise.all(ids.map((id) => collection.has(id)))).toEqual([true, false, true, false, true])
    })

    it('has an id', async () => {
      const collection = await filled()
      for (const odd of [-1, 1.5, 'no id', null]) {
        await expect(collection.get(odd as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
        await expect(collection.has(odd as never)).rejects.toThrow(/^id: expected an unsigned 64-bit integer or a UUID/)
      }
    })
  })
}
