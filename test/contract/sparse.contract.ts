import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database, Hit, StoredPoint } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import type { SparseVector, StoredSparseVector } from '../../src/core/point.js'
import type { DatabaseUnderTest } from './database.contract.js'

const sparse = (entries: Record<number, number>): SparseVector => ({
  indices: Object.keys(entries).map(Number),
  values: Object.values(entries),
})
const idsOf = (hits: readonly Hit[]) => hits.map(({ id }) => id)
const bm25 = (text: string) => ({ text, model: 'qdrant/bm25' })

/** A dense vector and two sparse ones; points without, with one, with both. */
export function describeSparse(name: string, open: () => Promise<DatabaseUnderTest>): void {
  describe(`sparse vectors, ${name}`, () => {
    let opened: DatabaseUnderTest
    let database: Database
    let made = 0
    beforeAll(async () => {
      opened = await open()
      database = opened.database
    })
    afterAll(() => opened?.dispose())

    const mixed = async (): Promise<Collection> => {
      const collection = await database.createCollection(`mixed-${made++}`, {
        vectors: { dense: { size: 2, distance: 'Dot' } },
        sparseVectors: { words: {}, topics: { modifier: 'idf', index: { onDisk: true, fullScanThreshold: 100 } } },
      })
      await collection.upsert([
        { id: 1, vector: { dense: [1, 0], words: sparse({ 5: 1, 9: 2 }) }, payload: { kind: 'a' } },
        { id: 2, vector: { words: { indices: [9, 5, 4_294_967_295], values: [1, 3, 0.5] } }, payload: { kind: 'b' } },
        { id: 3, vector: { dense: [0, 1], topics: sparse({ 5: 1 }) }, payload: { kind: 'a' } },
        { id: 4, vector: { words: sparse({ 7: 4 }), topics: sparse({ 5: 1, 6: 1 }) }, payload: { kind: 'b' } },
      ])
      return collection
    }
    const search = async (collection: Collection, query: SparseVector | number, more: object = {}) =>
      await collection.query({ query, using: 'words', ...more })

    it('are described with the collection', async () => {
      const { config } = await (await mixed()).info()
      expect(config.sparseVectors).toEqual([
        { name: 'words', size: 0, modifier: 'none', index: null },
        { name: 'topics', size: 0, modifier: 'idf', index: { onDisk: true, fullScanThreshold: 100 } },
      ])
    })

    it('are found by their dot product, and only if an index is shared', async () => {
      const collection = await mixed()
      const hits = await search(collection, sparse({ 5: 1, 9: 1 }))
      expect(hits.map(({ id, score }) => [id, score])).toEqual([
        [2, 4],
        [1, 3],
      ])
      expect(idsOf(await search(collection, sparse({ 5: 1, 9: 1 }), { limit: 1, offset: 1 }))).toEqual([1])
      expect(idsOf(await search(collection, sparse({ 5: 1, 9: 1 }), { scoreThreshold: 3.5 }))).toEqual([2])
      const filter = { must: [{ key: 'kind', match: { value: 'a' } }] }
      expect(idsOf(await search(collection, sparse({ 5: 1, 9: 1 }), { filter }))).toEqual([1])
      expect(await search(collection, sparse({ 1000: 1 }))).toEqual([])
      expect(await search(collection, sparse({}))).toEqual([])
    })

    it('are found by the vector of a stored point, which is excluded', async () => {
      const collection = await mixed()
      expect(idsOf(await search(collection, 1))).toEqual([2])
      await expect(search(collection, 3)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(search(collection, 99)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('are returned as given, with ascending indices', async () => {
      const collection = await mixed()
      const [first, second] = await collection.retrieve([1, 2], { withVector: true })
      expect(first?.vector).toEqual({
        dense: Float32Array.of(1, 0),
        words: { indices: Uint32Array.of(5, 9), values: Float32Array.of(1, 2) },
      })
      const { words } = (second as StoredPoint).vector as Record<string, StoredSparseVector>
      expect(words).toEqual({ indices: Uint32Array.of(5, 9, 4_294_967_295), values: Float32Array.of(3, 1, 0.5) })
      const [only] = await collection.retrieve([4], { withVector: ['topics'] })
      expect(only?.vector).toEqual({ topics: { indices: Uint32Array.of(5, 6), values: Float32Array.of(1, 1) } })
      const page = await collection.scrollPage({ withVector: ['words'], limit: 10 })
      expect(page.points.map(({ vector }) => Object.keys(vector ?? {}).length)).toEqual([1, 1, 0, 1])
    })

    it('are updated, deleted, and moved by batches and columns', async () => {
      const collection = await mixed()
      await collection.updateVectors([{ id: 1, vector: { words: sparse({ 7: 1 }) } }])
      expect(idsOf(await search(collection, sparse({ 7: 1 })))).toEqual([4, 1])
      const [kept] = await collection.retrieve([1], { withVector: ['dense'] })
      expect(kept?.vector).toEqual({ dense: Float32Array.of(1, 0) })
      await collection.deleteVectors(['words'], [4])
      expect(idsOf(await search(collection, sparse({ 7: 1 })))).toEqual([1])
      await collection.batch([
        { op: 'upsert', points: [{ id: 5, vector: { words: sparse({ 7: 9 }) } }] },
        { op: 'delete', which: [1] },
      ])
      expect(idsOf(await search(collection, sparse({ 7: 1 })))).toEqual([5])
      await collection.upsert({
        ids: [6, 7],
        vectors: { dense: Float32Array.of(1, 1, 2, 2), words: [sparse({ 7: 8 }), sparse({ 7: 7, 1: 1 })] },
      })
      expect(idsOf(await search(collection, sparse({ 7: 1 })))).toEqual([5, 6, 7])
      const has = { must: [{ hasVector: 'words' }] }
      expect(await collection.count({ filter: has })).toBe(4)
    })

    it('with the idf modifier weigh an index more, the fewer live vectors have it', async () => {
      const collection = await mixed()
      const query = { query: sparse({ 5: 1, 6: 1 }), using: 'topics' }
      const idf = (n: number, df: number) => Math.log(1 + (n - df + 0.5) / (df + 0.5))
      const [best, second] = await collection.query(query)
      expect([best?.id, second?.id]).toEqual([4, 3])
      expect(best?.score).toBeCloseTo(idf(2, 2) + idf(2, 1), 5)
      expect(second?.score).toBeCloseTo(idf(2, 2), 5)
      await collection.delete([3])
      const [alone] = await collection.query(query)
      expect(alone?.score).toBeCloseTo(2 * idf(1, 1), 5)
      await collection.updateConfig({ sparseVectors: { topics: { modifier: 'none' } } })
      const [plain] = await collection.query(query)
      expect(plain?.score).toBe(2)
    })

    it('can be the only vectors of a collection', async () => {
      const collection = await database.createCollection(`only-${made++}`, { sparseVectors: { words: {} } })
      await collection.upsert([{ id: 1, vector: { words: sparse({ 1: 1 }) } }])
      expect(idsOf(await search(collection, sparse({ 1: 1 })))).toEqual([1])
      await collection.flush()
      await collection.waitForIndex()
      expect((await collection.info()).vectorsCount).toBe(1)
    })

    it('are made of texts', async () => {
      const collection = await database.createCollection(`texts-${made++}`, {
        sparseVectors: { text: { modifier: 'idf' } },
      })
      await collection.upsert([
        { id: 1, vector: { text: bm25('The quick brown fox jumps over the lazy dog') } },
        { id: 2, vector: { text: bm25('Foxes are dogs of a kind') } },
        { id: 3, vector: { text: bm25('Nothing of that') } },
      ])
      await collection.upsert({ ids: [4], vectors: { text: [bm25('a brown bear')] } })
      const found = await collection.query({ query: bm25('brown foxes'), using: 'text' })
      expect(idsOf(found)[0]).toBe(1)
      expect(idsOf(found).sort()).toEqual([1, 2, 4])
      await expect(collection.query({ query: { text: 'x', model: 'other' }, using: 'text' })).rejects.toThrow(/model/)
      const point = { id: 5, vector: { text: { text: 'x', model: 'other' } } }
      await expect(collection.upsert([point])).rejects.toThrow(/points\[0\]\.vector\.text\.model/)
    })

    it('can be fused with dense ones in one query', async () => {
      const collection = await mixed()
      const hits = await collection.query({
        prefetch: [
          { query: sparse({ 5: 1, 9: 1 }), using: 'words' },
          { query: [0, 1], using: 'dense', limit: 2 },
        ],
        query: { fusion: 'rrf' },
      })
      expect(idsOf(hits).sort()).toEqual([1, 2, 3])
    })

    it('are explained: exact, by postings or by a scan', async () => {
      const collection = await mixed()
      const { hits, plan } = await collection.explain({ query: sparse({ 5: 1 }), using: 'words' })
      expect(idsOf(hits)).toEqual([2, 1])
      expect(plan.segments).toHaveLength(1)
      expect(plan.segments[0]).toMatchObject({ strategy: 'scan', why: 'no vector is in the postings yet' })
    })

    it('are explained in terms of postings', async () => {
      const collection = await mixed()
      const points = Array.from({ length: 3000 }, (_, id) => ({
        id: 10 + id,
        vector: { words: sparse({ 5: 1 + id, [100 + id]: 1 }) },
        payload: { kind: id < 3 ? 'few' : 'many' },
      }))
      await collection.upsert(points)
      await collection.createPayloadIndex('kind', 'keyword')
      await collection.waitForIndex()
      const asked = { query: sparse({ 5: 1 }), using: 'words' }
      const all = await collection.explain(asked)
      expect(all.plan.segments[0]?.strategy).toBe('postings')
      expect(all.plan.why).toBe("about 3,002 postings of the query's indices are expected to be read")
      const filter = { must: [{ key: 'kind', match: { value: 'few' } }] }
      const { plan } = await collection.explain({ ...asked, filter })
      expect(plan.strategy).toBe('scan of matches')
      expect(plan.why).toMatch(
        /^about 3 points match: reading the query's postings costs about 3,002 postings, a scan of the matches about \d+ postings$/,
      )
    })

    it.each<[string, unknown, RegExp]>([
      ['doubled indices', { indices: [1, 2, 1], values: [1, 2, 3] }, /indices.*unique/],
      ['lengths that differ', { indices: [1, 2], values: [1] }, /same length/],
      ['an index that is none', { indices: [-1], values: [1] }, /indices\[0\]/],
      ['an index beyond 32 bits', { indices: [2 ** 32], values: [1] }, /indices\[0\]/],
      ['a value that is no number', { indices: [1], values: ['x'] }, /values\[0\]/],
      ['a value that overflows', { indices: [1], values: [1e39] }, /values\[0\]/],
      ['no indices', { values: [1] }, /indices/],
      ['a dense vector', [1, 2], /sparse vector/],
      [
        'too many components',
        {
          indices: Array.from({ length: LIMITS.sparseEntries + 1 }, (_, i) => i),
          values: new Array(LIMITS.sparseEntries + 1).fill(1),
        },
        /at most 65536/,
      ],
    ])('%s are refused, and change nothing', async (_, vector, expected) => {
      const collection = await mixed()
      const bad = vector as SparseVector
      await expect(collection.upsert([{ id: 9, vector: { words: bad } }])).rejects.toThrow(expected)
      await expect(collection.query({ query: bad, using: 'words' })).rejects.toThrow(expected)
      expect(await collection.count()).toBe(4)
    })

    it('are never confused with dense ones', async () => {
      const collection = await mixed()
      const asDense = { id: 9, vector: { dense: sparse({ 1: 1 }) } }
      await expect(collection.upsert([asDense])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      const query = { query: sparse({ 1: 1 }), using: 'dense' }
      await expect(collection.query(query)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      const named = { vectors: { a: { size: 2, distance: 'Dot' } }, sparseVectors: { a: {} } } as const
      await expect(database.createCollection(`doubled-${made++}`, named)).rejects.toThrow(
        /^sparseVectors: Dense and sparse vector names must be unique/,
      )
    })
  })
}
