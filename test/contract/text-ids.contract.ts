import { Field, FixedSizeList, Float32, Table, vectorFromArray } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import { uuidOfText } from '../../src/core/text-ids.js'
import type { Suite } from './database.contract.js'

const UUID = '11111111-2222-4333-8444-555555555555'
const ODD = ['7', 'a"b\\c\n', 'naïve – 写真', `urn:uuid:${UUID}`, UUID.toUpperCase().replace('1', 'A'), '__proto__']

export function describeTextIds(suite: Suite): void {
  let made = 0
  const texts = () =>
    suite.database.createCollection(`texts-${made++}`, { vectors: { size: 2, distance: 'Euclid' }, ids: 'text' })
  const filled = async (): Promise<Collection> => {
    const collection = await texts()
    await collection.upsert([
      { id: 'a', vector: [0, 1], payload: { n: 1, tag: 'x' } },
      { id: 'b', vector: [0, 2], payload: { n: 2, tag: 'x' } },
      { id: 'c', vector: [0, 3] },
      { id: UUID, vector: [0, 4], payload: { n: 4, tag: 'y' } },
    ])
    return collection
  }
  const idsOf = (points: readonly { id: unknown }[]) => points.map(({ id }) => id)
  const all = ['a', 'b', 'c', UUID]

  describe('text ids', () => {
    it('are told by the configuration, and kept by a change of it', async () => {
      const collection = await texts()
      expect((await collection.info()).config.ids).toBe('text')
      await collection.updateConfig({ metadata: { a: 1 } })
      expect((await collection.info()).config.ids).toBe('text')
      expect((await (await suite.single()).info()).config.ids).toBeUndefined()
      const options = { vectors: { size: 2, distance: 'Euclid' } } as const
      await expect(
        suite.database.ensureCollection(collection.name, { ...options, ids: 'plain' }),
      ).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
        details: { field: 'ids' },
      })
      await suite.database.ensureCollection(collection.name, { ...options, ids: 'text' })
    })

    it('stay where one batch names a point by its text and by the UUID derived from it', async () => {
      const collection = await texts()
      await collection.upsert([
        { id: 'a', vector: [0, 1], payload: { n: 1 } },
        { id: uuidOfText('a'), vector: [0, 2], payload: { n: 2 } },
        { id: uuidOfText('b'), vector: [0, 3] },
        { id: 'b', vector: [0, 4] },
        { id: uuidOfText('b'), vector: [0, 5] },
      ])
      expect(await collection.get('a', { withVector: true })).toEqual({
        id: 'a',
        payload: { n: 2 },
        vector: new Float32Array([0, 2]),
      })
      expect(idsOf((await collection.scrollPage()).points).sort()).toEqual(['a', 'b'])
    })

    it('are named by their place where a query has them', async () => {
      const collection = await filled()
      const wrong = 'x'.repeat(LIMITS.textIdBytes + 1)
      const other = await suite.single()
      const recommend = { positive: [[0, 1] as number[], 'a'], negative: [wrong] }
      const field = 'query.recommend.negative[0]'
      await expect(collection.query({ query: { recommend } })).rejects.toMatchObject({ details: { field } })
      // Whether texts are ids of the other collection is known when they are looked up.
      await other.upsert([{ id: 1, vector: [1, 2, 3] }])
      const lookUp = other.query({
        query: { recommend: { positive: [1, 'no UUID'] } },
        lookupFrom: { collection: other.name },
      })
      await expect(lookUp).rejects.toMatchObject({ details: { field: 'query.recommend.positive[1]' } })
    })

    it('are what answers tell, with payloads or without', async () => {
      const collection = await filled()
      expect(await collection.get('a')).toEqual({ id: 'a', payload: { n: 1, tag: 'x' } })
      expect(await collection.get('c')).toEqual({ id: 'c', payload: {} })
      expect(await collection.get('a', { withPayload: false })).toEqual({ id: 'a' })
      expect(await collection.get('a', { withPayload: ['n'] })).toEqual({ id: 'a', payload: { n: 1 } })
      expect(await collection.get('a', { withPayload: { exclude: ['n'] } })).toEqual({ id: 'a', payload: { tag: 'x' } })
      expect((await collection.get('a', { rawPayload: true }))?.payload.text).toBe('{"n":1,"tag":"x"}')
      expect((await collection.get('c', { rawPayload: true }))?.payload.text).toBe('{}')
      expect(await collection.has('b')).toBe(true)
      expect(await collection.has('d')).toBe(false)
      expect(idsOf(await collection.retrieve(['c', 'd', uuidOfText('a'), UUID]))).toEqual(['c', 'a', UUID])
      for (const withPayload of [true, false]) {
        expect(idsOf(await collection.search([0, 0], { withPayload }))).toEqual(all)
        expect(idsOf((await collection.explain({ query: [0, 0], withPayload })).hits)).toEqual(all)
        expect(idsOf(await collection.query({ withPayload }))).toHaveLength(4)
        expect(new Set(idsOf(await collection.query({ query: { sample: 'random' }, withPayload })))).toEqual(
          new Set(all),
        )
      }
      const [one, two] = await collection.queryBatch([
        { query: [0, 0], limit: 1 },
        { query: [0, 5], limit: 1 },
      ])
      expect([...idsOf(one ?? []), ...idsOf(two ?? [])]).toEqual(['a', UUID])
    })

    it('may be any text, and are told as they were given', async () => {
      const collection = await texts()
      const ids = [...ODD, 'x'.repeat(LIMITS.textIdBytes)]
      await collection.upsert(ids.map((id, i) => ({ id, vector: [0, i], payload: { 7: i, id } })))
      expect(idsOf(await collection.search([0, 0], { withPayload: false }))).toEqual(ids)
      for (const [i, id] of ids.entries()) expect(await collection.get(id)).toEqual({ id, payload: { 7: i, id } })
      expect(await collection.delete(ids.slice(1))).toMatchObject({ deleted: ids.length - 1 })
      expect(await collection.count()).toBe(1)
    })

    it('refuse what is no such text', async () => {
      const collection = await filled()
      for (const odd of ['', 'x'.repeat(LIMITS.textIdBytes + 1), 'é'.repeat(LIMITS.textIdBytes / 2 + 1), 7, 7n, null]) {
        const upsert = collection.upsert([{ id: odd as never, vector: [0, 0] }])
        await expect(upsert).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
        await expect(collection.get(odd as never)).rejects.toThrow(/^id: expected/)
      }
      expect(await collection.count()).toBe(4)
      const plain = await suite.single()
      await expect(plain.get('a')).rejects.toThrow(/^id: expected an unsigned 64-bit integer or a UUID, got "a"/)
    })

    it('page through everything', async () => {
      const collection = await filled()
      const seen: unknown[] = []
      let offset = null
      do {
        const page = await collection.scrollPage({ limit: 1, offset, withPayload: false })
        seen.push(...idsOf(page.points))
        offset = page.nextOffset
        if (offset !== null) expect(all).toContain(offset)
      } while (offset !== null)
      expect(seen.sort()).toEqual([...all].sort())
      const scrolled: unknown[] = []
      for await (const { id } of collection.scroll({ limit: 2 })) scrolled.push(id)
      expect(scrolled.sort()).toEqual([...all].sort())
    })

    it('stand wherever a query or a filter names a point', async () => {
      const collection = await filled()
      expect(idsOf(await collection.query({ query: 'a' }))).toEqual(['b', 'c', UUID])
      expect(
        idsOf(await collection.query({ query: { recommend: { positive: ['a'], negative: [UUID] } } })),
      ).toHaveLength(2)
      const context = [{ positive: 'a', negative: UUID }]
      expect(idsOf(await collection.query({ query: { discover: { target: 'b', context } } }))).toEqual(['c'])
      const filter = { mustNot: [{ hasId: ['a', UUID, 'nobody'] }] }
      expect(idsOf(await collection.search([0, 0], { filter }))).toEqual(['b', 'c'])
      expect(await collection.count({ filter })).toBe(2)
      const long = { must: [{ hasId: ['a', ...Array.from({ length: 5_000 }, (_, i) => `none-${i}`)] }] }
      expect(idsOf(await collection.search([0, 0], { filter: long }))).toEqual(['a'])
      const prefetch = [{ query: 'a' }, { query: [0, 4] }]
      expect(idsOf(await collection.query({ prefetch, query: { fusion: 'rrf' } })).sort()).toEqual([UUID, 'b', 'c'])
      const rescored = await collection.query({
        prefetch: { query: [0, 0] },
        query: { formula: { sum: ['$score', 'n'] }, defaults: { n: 0 } },
      })
      expect(idsOf(rescored)).toEqual([UUID, 'b', 'c', 'a'])
      expect(
        idsOf(await collection.query({ query: { nearest: [0, 0], mmr: { diversity: 0.1 } }, limit: 2 })),
      ).toHaveLength(2)
      await expect(collection.query({ query: 'nobody' })).rejects.toThrow(/nobody/)
    })

    it('are those of groups, of the matrix and of ordered points', async () => {
      const collection = await filled()
      const groups = await collection.queryGroups({ query: [0, 0], groupBy: 'tag', withPayload: false })
      expect(groups.map(({ id, hits }) => [id, ...idsOf(hits)])).toEqual([
        ['x', 'a', 'b'],
        ['y', UUID],
      ])
      const { ids, pairs } = await collection.searchMatrix({ sample: 4, limit: 1 })
      expect([...ids].sort()).toEqual([...all].sort())
      expect(pairs.map(({ a }) => a).sort()).toEqual([...all].sort())
      expect(all).toEqual(expect.arrayContaining(pairs.map(({ b }) => b)))
      await collection.createPayloadIndex('n', 'integer')
      const ordered = await collection.scrollPage({ orderBy: { key: 'n', direction: 'desc' }, withPayload: false })
      expect(ordered.points).toEqual([UUID, 'b', 'a'].map((id, i) => ({ id, orderValue: [4, 2, 1][i] })))
    })

    it('are looked up in another collection, and from one', async () => {
      const collection = await filled()
      const plain = await suite.database.createCollection(`plain-${made++}`, {
        vectors: { size: 2, distance: 'Euclid' },
      })
      await plain.upsert([
        { id: 1, vector: [0, 0], payload: { of: 'b' } },
        { id: 2, vector: [0, 9], payload: { of: 'nobody' } },
      ])
      const lookupFrom = { collection: collection.name }
      expect(idsOf(await plain.query({ query: UUID, lookupFrom }))).toEqual([1, 2])
      expect(idsOf(await plain.query({ query: 'a', lookupFrom, limit: 1 }))).toEqual([1])
      await expect(plain.query({ query: 'nobody', lookupFrom })).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(collection.query({ query: 'a', lookupFrom: { collection: plain.name } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      const groups = await plain.queryGroups({ query: [0, 0], groupBy: 'of', withLookup: collection.name })
      expect(groups.map(({ lookup }) => lookup)).toEqual([{ id: 'b', payload: { n: 2, tag: 'x' } }, null])
    })

    it('stay in every change of a payload', async () => {
      const collection = await filled()
      await collection.setPayload({ m: 1 }, ['a', 'c', UUID])
      await collection.overwritePayload({ only: true }, { filter: { must: [{ hasId: ['b'] }] } })
      await collection.deletePayload(['tag'], ['a'])
      expect(await collection.retrieve(all)).toEqual([
        { id: 'a', payload: { n: 1, m: 1 } },
        { id: 'b', payload: { only: true } },
        { id: 'c', payload: { m: 1 } },
        { id: UUID, payload: { n: 4, tag: 'y', m: 1 } },
      ])
      await collection.clearPayload({ all: true })
      expect(await collection.retrieve(all)).toEqual(all.map((id) => ({ id, payload: {} })))
      await collection.updateVectors([{ id: 'a', vector: [0, 9] }])
      expect(idsOf(await collection.search([0, 9], { limit: 1 }))).toEqual(['a'])
      await collection.upsert([{ id: uuidOfText('a'), vector: [0, 1], payload: { again: 1 } }])
      await collection.upsert([{ id: uuidOfText('nobody'), vector: [0, 7] }], { updateMode: 'insert_only' })
      expect(await collection.get('a')).toEqual({ id: 'a', payload: { again: 1 } })
      expect(await collection.get(uuidOfText('nobody'))).toEqual({ id: uuidOfText('nobody'), payload: {} })
      await expect(collection.setPayload({ m: 1 }, ['nobody else'])).rejects.toThrow(/nobody else/)
    })

    it('come as columns, as a table, in batches and from iterables', async () => {
      const collection = await texts()
      await collection.upsert({ ids: ['a', 'b', UUID], vectors: new Float32Array([0, 1, 0, 2, 0, 3]) })
      const vector = vectorFromArray([[0, 4]], new FixedSizeList(2, new Field('item', new Float32())))
      await collection.upsert(new Table({ id: vectorFromArray(['d']), vector, n: vectorFromArray([5]) }))
      await collection.upsert([{ id: 'e', vector: [0, 5] } as const].values())
      await collection.batch([
        {
          op: 'upsert',
          points: [
            { id: 'f', vector: [0, 6] },
            { id: 'g', vector: [0, 7] },
            { id: 'f', vector: [0, 6.5], payload: { n: 6 } },
          ],
        },
        { op: 'delete', which: ['g'] },
      ])
      expect(await collection.search([0, 0])).toMatchObject([
        { id: 'a', payload: {} },
        { id: 'b' },
        { id: UUID },
        { id: 'd', payload: { n: 5 } },
        { id: 'e' },
        { id: 'f', payload: { n: 6 }, score: 6.5 },
      ])
      const refused = collection.upsert({ ids: new BigUint64Array([1n]), vectors: new Float32Array(2) })
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })

    it('hide the key that has them', async () => {
      const collection = await filled()
      const key = '\u007fid'
      for (const odd of [{ [key]: 'b' }, { a: 1, [key]: null }]) {
        await expect(collection.upsert([{ id: 'x', vector: [0, 0], payload: odd }])).rejects.toThrow(/reserved/)
        await expect(collection.setPayload(odd, ['a'])).rejects.toThrow(/reserved/)
      }
      const filter = { must: [{ key, match: { value: 'a' } }] }
      await expect(collection.search([0, 0], { filter })).rejects.toThrow(/reserved/)
      await expect(collection.createPayloadIndex(key, 'keyword')).rejects.toThrow(/reserved/)
    })
  })
}
