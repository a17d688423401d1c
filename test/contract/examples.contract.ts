/** Queries by several sparse vectors and multivectors, compared with the oracle, and their refusals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database, Hit } from '../../src/core/database.js'
import type { SparseVector } from '../../src/core/point.js'
import type { Query, QueryOptions } from '../../src/core/query.js'
import type { CollectionOptions } from '../../src/core/schema.js'
import { Random } from '../oracle/fault-random.js'
import { MemoryDatabase } from '../oracle/memory-database.js'
import type { DatabaseUnderTest } from './database.contract.js'

const POINTS = 120
const SIZE = 4
const OPTIONS: CollectionOptions = {
  vectors: { tokens: { size: SIZE, distance: 'Cosine', multivectorConfig: { comparator: 'max_sim' } } },
  sparseVectors: { words: {}, rare: { modifier: 'idf' } },
}
const random = new Random(7)

function sparse(): SparseVector {
  const indices = [...new Set(Array.from({ length: 1 + random.below(5) }, () => random.below(40)))]
  return { indices, values: indices.map(() => Math.fround(random.between(0.1, 1))) }
}

function tokens(): number[][] {
  const token = () => Array.from({ length: SIZE }, () => Math.fround(random.between(-1, 1)))
  return Array.from({ length: 1 + random.below(3) }, token)
}

/** Some lack one of the vectors. */
const points = Array.from({ length: POINTS }, (_, id) => ({
  id,
  vector: {
    ...(id % 10 === 3 ? {} : { words: sparse(), rare: sparse() }),
    ...(id % 10 === 4 ? {} : { tokens: tokens() }),
  },
  payload: { group: id % 3 },
}))

/** A raw vector beside ids, at every place that accepts one. */
const KINDS: Record<string, (raw: SparseVector | number[][]) => Query> = {
  'average vector': (raw) => ({ recommend: { positive: [0, raw], negative: [7, 8] } }),
  'best score': (raw) => ({ recommend: { positive: [0, raw], negative: [7], strategy: 'best_score' } }),
  'best score, of negatives alone': (raw) => ({ recommend: { negative: [raw, 1], strategy: 'best_score' } }),
  'sum of scores': (raw) => ({ recommend: { positive: [raw, 9], negative: [7], strategy: 'sum_scores' } }),
  discover: (raw) => ({
    discover: {
      target: 0,
      context: [
        { positive: raw, negative: 7 },
        { positive: 1, negative: 2 },
      ],
    },
  }),
  context: (raw) => ({ context: [{ positive: 0, negative: raw }] }),
  feedback: (raw) => ({
    relevanceFeedback: {
      target: raw,
      feedback: [
        { example: 0, score: 0.9 },
        { example: 7, score: 0.1 },
        { example: 11, score: 0.4 },
        { example: 21, score: 0.4 },
        { example: 25, score: 0.2 },
      ],
      strategy: { naive: { a: 1, b: 0.5, c: 0.7 } },
    },
  }),
  'diverse ones': (raw) => ({ nearest: raw, mmr: { diversity: 0.7, candidatesLimit: 30 } }),
}

const AROUND: Record<string, QueryOptions> = {
  'all points': {},
  'a filter': { filter: { must: [{ key: 'group', match: { value: 1 } }] } },
  'a threshold and an offset': { scoreThreshold: -0.9, offset: 2, limit: 5 },
  'a prefetch': {
    prefetch: { query: { indices: [1, 2, 3, 4, 5, 6], values: [1, 1, 1, 1, 1, 1] }, using: 'words', limit: 40 },
  },
}

export function describeExamples(name: string, open: () => Promise<DatabaseUnderTest>): void {
  describe(`examples, ${name}`, () => {
    let opened: DatabaseUnderTest
    let collection: Collection
    let oracle: Collection
    beforeAll(async () => {
      opened = await open()
      const make = async (database: Database) => {
        const made = await database.createCollection('examples', OPTIONS)
        await made.upsert(points)
        return made
      }
      collection = await make(opened.database)
      oracle = await make(new MemoryDatabase())
    })
    afterAll(() => opened?.dispose())

    describe.each(['words', 'rare', 'tokens'])('of %s', (using) => {
      const raw = using === 'tokens' ? tokens() : sparse()

      it.each(Object.keys(KINDS))('%s', async (kind) => {
        const query = (KINDS[kind] as (typeof KINDS)[string])(raw)
        for (const [where, around] of Object.entries(AROUND)) {
          const isDiverse = kind === 'diverse ones'
          if (isDiverse && around.offset !== undefined) continue
          const asked: QueryOptions = {
            limit: 10,
            ...around,
            query,
            using,
            params: { exact: true },
            withPayload: false,
          }
          const hits = await collection.query(asked)
          const all = await oracle.query(isDiverse ? asked : { ...asked, limit: POINTS })
          expect(hits.length, where).toBe(Math.min(asked.limit as number, all.length))
          if (where === 'all points') expect(hits.length).toBeGreaterThan(4)
          expectSame(hits, all, `${kind}, ${where}`)
        }
      })

      it('in groups, explained, and in batches', async () => {
        const query = (KINDS['best score'] as (typeof KINDS)[string])(raw)
        const asked = { query, using, limit: 2, params: { exact: true } }
        const groups = await collection.queryGroups({ ...asked, groupBy: 'group', groupSize: 2 })
        const expected = await oracle.queryGroups({ ...asked, groupBy: 'group', groupSize: 2 })
        expect(groups.map(({ hits }) => hits.map(({ score }) => score.toFixed(3)))).toEqual(
          expected.map(({ hits }) => hits.map(({ score }) => score.toFixed(3))),
        )
        const { hits, plan } = await collection.explain(asked)
        expect(hits).toEqual(await collection.query(asked))
        expect(plan).toMatchObject({ stage: 'recommend', returned: 2, expectedRecall: 1 })
        expect(plan.distancesComputed).toBeGreaterThan(0)
        expect(await collection.queryBatch([asked, asked])).toEqual([hits, hits])
      })

      it('ids of another collection', async () => {
        const other = await opened.database.createCollection(`other-${using}`, OPTIONS)
        await other.upsert([{ id: 500, vector: { [using]: raw } }])
        const lookupFrom = { collection: other.name, vector: using }
        const positive = { recommend: { positive: [500], strategy: 'sum_scores' as const } }
        const found = await collection.query({ query: positive, using, lookupFrom })
        const given = await collection.query({
          query: { recommend: { ...positive.recommend, positive: [raw] } },
          using,
        })
        expect(found).toEqual(given)
      })

      it('refuse other kinds of vectors, and points without the vector', async () => {
        const dense = using === 'tokens' ? sparse() : [1, 2, 3, 4]
        const ask = (input: unknown) =>
          collection.query({ query: { recommend: { positive: [input], strategy: 'best_score' } } as Query, using })
        await expect(ask(dense)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
        await expect(ask({ indices: [1, 1], values: [1, 2] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
        await expect(ask(999)).rejects.toMatchObject({ code: 'NOT_FOUND' })
        const lacks = using === 'tokens' ? 4 : 3
        const discover = { discover: { target: lacks, context: [] } }
        await expect(collection.query({ query: discover, using })).rejects.toMatchObject({ code: 'NOT_FOUND' })
        const average = { recommend: { positive: [lacks] } }
        await expect(collection.query({ query: average, using })).rejects.toThrow(
          'Positive vectors should not be empty',
        )
      })

      it('a matrix of distances', async () => {
        const { ids, pairs } = await collection.searchMatrix({ using, sample: POINTS, limit: POINTS })
        const all = await oracle.searchMatrix({ using, sample: POINTS, limit: POINTS })
        expect(ids).toEqual(all.ids)
        const key = ({ a, b }: { a: unknown; b: unknown }) => `${a} ${b}`
        const scores = new Map(all.pairs.map((pair) => [key(pair), pair.score]))
        expect(pairs.length).toBe(all.pairs.length)
        for (const pair of pairs) expect(pair.score).toBeCloseTo(scores.get(key(pair)) as number, 3)
      })
    })

    it('texts stand for sparse vectors of their words', async () => {
      const texts = await opened.database.createCollection('texts', { sparseVectors: { words: { modifier: 'idf' } } })
      const text = (words: string) => ({ text: words, model: 'qdrant/bm25' })
      await texts.upsert([
        { id: 1, vector: { words: text('a red fox') } },
        { id: 2, vector: { words: text('a red house') } },
        { id: 3, vector: { words: text('a blue house') } },
      ])
      const query = {
        recommend: { positive: [text('fox')], negative: [text('blue')], strategy: 'sum_scores' as const },
      }
      const hits = await texts.query({ query, using: 'words' })
      expect(hits.map(({ id, score }) => [id, Math.sign(score)])).toEqual([
        [1, 1],
        [2, 0],
        [3, -1],
      ])
      const away = { recommend: { positive: [text('red house')], negative: [text('house')] } }
      const [best] = await texts.query({ query: away, using: 'words' })
      expect(best?.id).toBe(2)
      const wrong = { discover: { target: { text: 'fox', model: 'other' }, context: [] } }
      await expect(texts.query({ query: wrong, using: 'words' })).rejects.toThrow('qdrant/bm25')
    })

    it('IDF can be counted in a given corpus', async () => {
      const query = { indices: [1, 2, 3], values: [1, 1, 1] }
      const corpus = { must: [{ key: 'group', match: { value: 2 } }] }
      const asked = { query, using: 'rare', limit: 20, params: { idf: { corpus } } }
      const hits = await collection.query(asked)
      expectSame(hits, await oracle.query({ ...asked, limit: POINTS }), 'corpus')
      const all = await collection.query({ ...asked, params: { idf: 'global' } })
      expect(all).toEqual(await collection.query({ ...asked, params: {} }))
      expect(all.map(({ score }) => score)).not.toEqual(hits.map(({ score }) => score))
      await expect(collection.query({ ...asked, using: 'words' })).rejects.toThrow(
        'search param `idf` requires a sparse vector with the `idf` modifier, which vector "words" is not',
      )
    })
  })
}

/** Compares scores by place and by point; points with equal scores may change places. */
function expectSame(hits: readonly Hit[], all: readonly Hit[], told: string): void {
  const own = new Map(all.map(({ id, score }) => [id, score]))
  for (const [place, { id, score }] of hits.entries()) {
    expect(score, `${told}, place ${place}`).toBeCloseTo((all[place] as Hit).score, 3)
    expect(score, `${told}, point ${id}`).toBeCloseTo(own.get(id) as number, 3)
  }
}
