/** Fusion of searches in one call of the kernel, compared with the same query run stage by stage, as explain does. */
import { setMaxListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Collection, Database, Hit } from '../../../src/core/database.js'
import type { Prefetch, QueryOptions } from '../../../src/core/query.js'
import { open } from '../../../src/index.js'
import { embedQuery } from '../../../src/inference/bm25.js'
import { Shard } from '../../../src/native/shard.js'
import { Random } from '../../oracle/fault-random.js'

const SEED = 60
const POINTS = 3000
const QUERIES = 80
const MODEL = 'qdrant/bm25'

type Outcome = { hits: Hit[] } | { failure: string }

describe('fusion in the kernel', () => {
  let database: Database
  let collection: Collection
  const random = new Random(SEED)
  const fusions = vi.spyOn(Shard.prototype, 'searchFused')
  const inline = () => fusions.mock.results.filter(({ value }) => !(value instanceof Promise)).length
  const onPool = () => fusions.mock.results.filter(({ value }) => value instanceof Promise).length

  beforeAll(async () => {
    database = await open(':memory:')
    collection = await database.createCollection('c', {
      vectors: { dense: { size: 8, distance: 'Cosine' }, far: { size: 4, distance: 'Euclid' } },
      sparseVectors: { text: { modifier: 'idf' } },
    })
    await collection.upsert(
      Array.from({ length: POINTS }, (_, id) => ({
        id,
        vector: {
          dense: vector(8),
          ...(id % 3 === 0 ? { far: vector(4) } : {}),
          text: { text: words(1 + random.below(12)), model: MODEL },
        },
        payload: { id, tenth: id % 10 },
      })),
    )
    await collection.delete(Array.from({ length: 50 }, (_, i) => i * 40))
    await collection.waitForIndex()
  })
  afterAll(async () => {
    fusions.mockRestore()
    await database.close()
  })

  const vector = (size: number) => Array.from({ length: size }, () => random.below(1000) - 500)
  const words = (count: number) =>
    Array.from({ length: count }, () => `w${Math.floor(500 ** (random.below(1000) / 1000))}`).join(' ')
  const filtered = () =>
    random.chance(0.3) ? { filter: { must: { key: 'tenth', match: { value: random.below(10) } } } } : {}
  const limited = () => ({ limit: 1 + random.below(30), params: { exact: true } })

  function prefetch(depth: number): Prefetch {
    return random.pick<() => Prefetch>([
      () => ({ query: vector(8), using: 'dense', ...limited(), ...filtered() }),
      () => ({ query: vector(4), using: 'far', ...limited(), ...filtered() }),
      () => ({ query: random.below(POINTS) * 2 + 1, using: 'dense', ...limited() }),
      () => ({
        query: { recommend: { positive: [vector(8)], negative: [vector(8)], strategy: 'best_score' } },
        using: 'dense',
        ...limited(),
      }),
      () => ({ query: { text: words(1 + random.below(5)), model: MODEL }, using: 'text', ...limited(), ...filtered() }),
      () => ({ query: { text: words(3), model: MODEL }, using: 'text', scoreThreshold: 2, ...limited() }),
      () => (depth > 0 ? { ...fusion(depth - 1), ...limited() } : { query: vector(8), using: 'dense', ...limited() }),
    ])()
  }

  /** The searches are exact, so that both ways fuse the same rankings. */
  function fusion(depth: number): { prefetch: Prefetch[]; query: NonNullable<QueryOptions['query']> } {
    const searches = Array.from({ length: 1 + random.below(3) }, () => prefetch(depth))
    const weights = searches.map(() => random.below(30) / 10)
    const query = random.pick<NonNullable<QueryOptions['query']>>([
      { fusion: 'rrf' },
      { fusion: 'dbsf' },
      { rrf: { k: 1 + random.below(60), weights } },
    ])
    return { prefetch: searches, query }
  }

  function randomQuery(depth: number): QueryOptions {
    return {
      ...fusion(depth),
      limit: 1 + random.below(20),
      offset: random.chance(0.3) ? random.below(10) : 0,
      ...(random.chance(0.2) ? { scoreThreshold: 0.1 } : {}),
      ...(random.chance(0.3) ? { withPayload: false } : {}),
      ...(random.chance(0.2) ? { withVector: ['dense'] } : {}),
      ...filtered(),
    }
  }

  const outcomeOf = (hits: Promise<Hit[]>): Promise<Outcome> =>
    hits.then(
      (found) => ({ hits: found }),
      (error: unknown) => ({ failure: String(error) }),
    )
  const stageByStage = (query: QueryOptions) => outcomeOf(collection.explain(query).then(({ hits }) => hits))

  it('equals the fusion of the stages, with their scores, versions, payloads and vectors', async () => {
    fusions.mockClear()
    for (let i = 0; i < QUERIES; i++) {
      const query = randomQuery(i % 2)
      let asked: Outcome | undefined
      // Asked twice: the cost of a filter is known the second time.
      for (let time = 0; time < 2; time++) {
        await new Promise(setImmediate)
        asked = await outcomeOf(collection.query(query))
      }
      expect(asked).toEqual(await stageByStage(query))
    }
    // The machine decides which are short enough, but some are.
    expect(inline()).toBeGreaterThan(0)
  })

  it('equals it also for more searches than fit into numbers', async () => {
    const searches = Array.from({ length: 20 }, () => ({ ...prefetch(0), ...limited() }))
    const query: QueryOptions = { prefetch: searches, query: { fusion: 'rrf' }, limit: 20 }
    expect(await outcomeOf(collection.query(query))).toEqual(await stageByStage(query))
  })

  it('is the same on the pool beside other searches', async () => {
    const queries = Array.from({ length: QUERIES }, (_, i) => randomQuery(i % 2))
    fusions.mockClear()
    const asked = await Promise.all(queries.map((query) => outcomeOf(collection.query(query))))
    expect(onPool()).toBeGreaterThan(QUERIES / 4)
    for (const [i, query] of queries.entries()) expect(asked[i]).toEqual(await stageByStage(query))
  })

  it('is the same without pauses, when the kernel may share it between threads', async () => {
    const queries = Array.from({ length: 20 }, () => randomQuery(0))
    const expected: Outcome[] = []
    for (const query of queries) expected.push(await stageByStage(query))
    for (let round = 0; round < 100; round++) {
      for (const [i, query] of queries.entries()) {
        await new Promise(setImmediate)
        expect(await outcomeOf(collection.query(query))).toEqual(expected[i])
      }
    }
  })

  it('ends with its signal, and leaves the kernel to others', async () => {
    const cancel = new AbortController()
    setMaxListeners(0, cancel.signal)
    const queries = Array.from({ length: 40 }, () => randomQuery(0))
    const asked = queries.map((query) => outcomeOf(collection.query({ ...query, signal: cancel.signal })))
    cancel.abort()
    const outcomes = await Promise.all(asked)
    const cancelled = outcomes.filter((one) => 'failure' in one && one.failure.includes('cancelled'))
    expect(cancelled.length).toBeGreaterThan(0)
    for (const query of queries) expect(await outcomeOf(collection.query(query))).toEqual(await stageByStage(query))
  })

  it('leaves a turn of the event loop to others', async () => {
    let turns = 0
    let isOver = false
    const watch = () => {
      turns++
      if (!isOver) setImmediate(watch)
    }
    setImmediate(watch)
    for (let i = 0; i < 200; i++)
      await collection.query({ ...randomQuery(0), filter: null, withVector: false }).catch(() => {})
    isOver = true
    expect(turns).toBeGreaterThan(5)
  })
})

describe('a text that the kernel analyzes as it searches', () => {
  it('gives the vector that it gives otherwise', async () => {
    const database = await open(':memory:')
    const collection = await database.createCollection('c', { sparseVectors: { text: { modifier: 'idf' } } })
    const texts = [
      'The quick brown foxes are jumping over lazy dogs',
      'dogs dogs DOGS; a dog!',
      'Straßen in München, 東京都 and Ελλάδα',
      'lone \ud800 surrogate and 👩‍🚀 and a\0zero',
      '',
      'the of and',
    ]
    const options = [{}, { language: 'none' }, { tokenizer: 'multilingual' as const }, { language: 'german' }]
    await collection.upsert(texts.map((text, id) => ({ id, vector: { text: { text, model: MODEL } } })))
    for (const each of options) {
      for (const text of texts) {
        const document = { text, model: MODEL, options: each }
        const { indices, values } = embedQuery(document, 'query')
        const ways = [document, { indices, values }].map((query) =>
          outcomeOf(collection.query({ query, using: 'text' })),
        )
        const [asText, asVector] = await Promise.all(ways)
        expect(asText).toEqual(asVector)
      }
    }
    const wrong = { text: 'x', model: MODEL, options: { language: 'klingon' } }
    await expect(collection.query({ query: wrong, using: 'text' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('query.options.language'),
    })
    await database.close()
  })
})

const outcomeOf = (hits: Promise<Hit[]>) => hits.catch((error: unknown) => String(error))
