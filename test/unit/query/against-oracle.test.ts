/** Every kind of query on random points, compared with the oracle, which scores all points by simple arithmetic. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database, Hit } from '../../../src/core/database.js'
import type { Expression } from '../../../src/core/formula.js'
import type { SparseVector } from '../../../src/core/point.js'
import type { ContextPair, Query, QueryOptions, QueryStage, VectorInput } from '../../../src/core/query.js'
import { type CollectionOptions, DISTANCES, type Distance } from '../../../src/core/schema.js'
import { open } from '../../../src/index.js'
import { Random } from '../../oracle/fault-random.js'
import { MemoryDatabase } from '../../oracle/memory-database.js'

const POINTS = 400
const SIZE = 6
const ROUNDS = 12
const SEED = 20_261_125

class Asking {
  readonly random: Random
  constructor(seed: number) {
    this.random = new Random(seed)
  }

  vector(): QueryVector {
    return this.dense()
  }
  dense(): number[] {
    return Array.from({ length: SIZE }, () => Math.fround(this.random.between(-1, 1)))
  }
  input(): VectorInput {
    return this.random.chance(0.5) ? this.random.below(POINTS) : this.vector()
  }
  inputs(most: number, least = 0): VectorInput[] {
    return Array.from({ length: least + this.random.below(most - least + 1) }, () => this.input())
  }
  pairs(most: number): ContextPair[] {
    return Array.from({ length: 1 + this.random.below(most) }, () => ({
      positive: this.input(),
      negative: this.input(),
    }))
  }
  filter() {
    return this.random.chance(0.5)
      ? { must: { key: 'group', match: { any: [0, 1, 2].slice(this.random.below(3)) } } }
      : null
  }
  expression(depth: number): Expression {
    const inner = () => this.expression(depth - 1)
    if (depth === 0)
      return this.random.pick<Expression>([
        2,
        'n',
        '$score',
        '$score[1]',
        { key: 'group', match: { value: 1 } },
        'sometimes',
      ])
    return this.random.pick<() => Expression>([
      () => ({ sum: [inner(), inner(), inner()] }),
      () => ({ mult: [inner(), inner()] }),
      () => ({ neg: inner() }),
      () => ({ abs: inner() }),
      () => ({ div: { left: inner(), right: { sum: [1, { abs: inner() }] } } }),
      () => ({ div: { left: inner(), right: 0, byZeroDefault: 3 } }),
      () => ({ sqrt: { abs: inner() } }),
      () => ({ ln: { sum: [1, { abs: inner() }] } }),
      () => ({ log10: { sum: [1, { abs: inner() }] } }),
      () => ({ exp: { neg: { abs: inner() } } }),
      () => ({ pow: { base: { abs: inner() }, exponent: 0.5 } }),
      () => ({ expDecay: { x: inner(), target: 3, scale: 5 } }),
      () => ({ gaussDecay: { x: inner(), scale: 50, midpoint: 0.3 } }),
      () => ({ linDecay: { x: inner(), target: inner(), scale: 100 } }),
      () => ({ expDecay: { x: { datetimeKey: 'at' }, target: { datetime: '2026-01-02T00:00:00Z' }, scale: 86_400 } }),
      () => ({
        gaussDecay: { x: { geoDistance: { origin: { lat: 52.5, lon: 13.4 }, to: 'place' } }, scale: 5_000_000 },
      }),
    ])()
  }
  prefetches(count: number): QueryStage[] {
    return Array.from({ length: count }, () => ({
      query: this.vector(),
      limit: 5 + this.random.below(40),
      filter: this.filter(),
    }))
  }
}

/** Few indices, so that many vectors share some and some vectors share none. */
class AskingSparse extends Asking {
  override vector(): QueryVector {
    const indices = Array.from({ length: this.random.below(7) }, () => this.random.below(12) * this.random.below(12))
    const distinct = [...new Set(indices)]
    return { indices: distinct, values: distinct.map(() => Math.fround(this.random.between(-0.5, 1))) }
  }
}

class AskingMulti extends Asking {
  override vector(): QueryVector {
    return Array.from({ length: 1 + this.random.below(4) }, () => this.dense())
  }
}

const KINDS: Record<string, (ask: Asking) => QueryOptions> = {
  nearest: (ask) => ({ query: { nearest: ask.input() } }),
  'average vector': (ask) => ({ query: { recommend: { positive: ask.inputs(4, 1), negative: ask.inputs(3) } } }),
  'best score': (ask) => ({
    query: { recommend: { positive: ask.inputs(4, 1), negative: ask.inputs(3), strategy: 'best_score' } },
  }),
  'sum of scores': (ask) => ({
    query: { recommend: { positive: ask.inputs(3), negative: ask.inputs(3, 1), strategy: 'sum_scores' } },
  }),
  discover: (ask) => ({ query: { discover: { target: ask.input(), context: ask.pairs(4) } } }),
  context: (ask) => ({ query: { context: ask.pairs(4) } }),
  feedback: (ask) => {
    const feedback = ask.inputs(7, 1).map((example) => ({ example, score: ask.random.between(0, 1) }))
    const naive = { a: ask.random.between(0, 2), b: ask.random.between(0, 2), c: ask.random.between(0, 2) }
    return { query: { relevanceFeedback: { target: ask.input(), feedback, strategy: { naive } } } }
  },
  'diverse ones': (ask) => ({
    query: {
      nearest: ask.input(),
      mmr: { diversity: ask.random.between(0, 1), candidatesLimit: 5 + ask.random.below(60) },
    },
  }),
  'places fused': (ask) => ({ prefetch: ask.prefetches(3), query: { rrf: { k: 1 + ask.random.below(60) } } }),
  'weighted places': (ask) => ({
    prefetch: ask.prefetches(3),
    query: { rrf: { weights: [ask.random.between(0, 3), 1, 0] } },
  }),
  'scores fused': (ask) => ({ prefetch: ask.prefetches(2), query: { fusion: 'dbsf' } }),
  formula: (ask) => {
    const defaults = { sometimes: 7, '$score[1]': 0.5 }
    return { prefetch: ask.prefetches(2), query: { formula: ask.expression(3), defaults } }
  },
  'nested stages': (ask) => ({
    prefetch: [
      { prefetch: ask.prefetches(2), query: { fusion: 'rrf' }, limit: 30, filter: ask.filter() },
      {
        prefetch: ask.prefetches(1),
        query: { recommend: { positive: ask.inputs(3, 1), strategy: 'best_score' } },
        limit: 20,
      },
    ],
    query: ask.random.pick<Query>([ask.vector(), { context: ask.pairs(2) }, { orderBy: 'n' }]),
    filter: ask.filter(),
  }),
  order: (ask) => ({
    query: {
      orderBy: { key: 'n', direction: ask.random.pick(['asc', 'desc']), startFrom: ask.random.between(0, POINTS) },
    },
    filter: ask.filter(),
  }),
}

function payloadOf(random: Random, id: number): Record<string, unknown> {
  const at = new Date(Date.UTC(2026, 0, 1 + random.below(4), random.below(24))).toISOString()
  const place = { lat: random.between(-80, 80), lon: random.between(-180, 180) }
  return {
    n: id,
    group: random.below(3),
    at,
    place,
    ...(random.chance(0.5) ? { sometimes: random.between(0, 9) } : {}),
  }
}

type QueryVector = number[] | number[][] | SparseVector

interface Kind {
  name: string
  Ask: typeof Asking
  options: CollectionOptions
}

const dense = (distance: Distance): Kind => ({
  name: distance,
  Ask: Asking,
  options: { vectors: { v: { size: SIZE, distance } } },
})
const multi = (distance: Distance): Kind => ({
  name: `MaxSim by ${distance}`,
  Ask: AskingMulti,
  options: { vectors: { v: { size: SIZE, distance, multivectorConfig: { comparator: 'max_sim' } } } },
})
const sparse = (modifier: 'none' | 'idf'): Kind => ({
  name: `sparse vectors, modifier ${modifier}`,
  Ask: AskingSparse,
  options: { sparseVectors: { v: { modifier } } },
})

describe.each([...DISTANCES.map(dense), ...DISTANCES.map(multi), sparse('none'), sparse('idf')])(
  'under $name',
  ({ Ask, options }: Kind) => {
    const hasIdf = options.sparseVectors?.v?.modifier === 'idf'
    let engine: Database
    let asked: Collection
    let oracle: Collection
    beforeAll(async () => {
      engine = await open(':memory:')
      const model = new MemoryDatabase()
      const ask = new Ask(SEED)
      const points = Array.from({ length: POINTS }, (_, id) => ({
        id,
        vector: { v: ask.vector() },
        payload: payloadOf(ask.random, id),
      }))
      const make = async (database: Database): Promise<Collection> => {
        const collection = await database.createCollection('c', options)
        await collection.upsert(points)
        await collection.createPayloadIndex('n', 'integer')
        return collection
      }
      asked = await make(engine)
      oracle = await make(model)
      await asked.waitForIndex()
    })
    afterAll(async () => await engine.close())

    it.each(Object.keys(KINDS))('%s', async (kind) => {
      for (let round = 0; round < ROUNDS; round++) {
        const ask = new Ask(SEED + round)
        const limit = 1 + ask.random.below(20)
        const isFused =
          kind.includes('fused') || kind.includes('places') || kind === 'formula' || kind === 'nested stages'
        const query = {
          limit,
          recall: 1,
          withPayload: false,
          ...(isFused ? {} : { filter: ask.filter() }),
          ...(KINDS[kind] as (ask: Asking) => QueryOptions)(ask),
          ...(hasIdf && ask.random.chance(0.5) ? { params: { idf: { corpus: ask.filter() ?? {} } } } : {}),
        }
        const told = `${kind}, seed ${SEED + round}: ${JSON.stringify(query)}`
        const hits = await asked.query(exactly(query))
        const all = await oracle.query({ ...query, limit: kind === 'diverse ones' ? limit : POINTS })
        expect(hits.length, told).toBe(Math.min(limit, all.length))
        expectSame(hits, all, told)
      }
    })
  },
)

/** Prefetches are exact too, so that nothing is left to chance. */
function exactly<T extends QueryStage>(stage: T): T {
  const { prefetch } = stage
  if (!prefetch) return { ...stage, recall: 1 }
  const list = Array.isArray(prefetch) ? prefetch : [prefetch]
  return { ...stage, recall: 1, prefetch: list.map((one: QueryStage) => exactly(one)) }
}

/** Compares scores by place and by point; points with equal scores may change places. */
function expectSame(hits: readonly Hit[], all: readonly Hit[], told: string): void {
  const scoreOf = new Map(all.map(({ id, score }) => [id, score]))
  for (const [place, { id, score, orderValue }] of hits.entries()) {
    const expected = all[place] as Hit
    expect(isClose(score, expected.score), `${told}, place ${place}: ${score} and ${expected.score}`).toBe(true)
    const own = scoreOf.get(id) as number
    expect(isClose(score, own), `${told}, point ${id}: ${score} and ${own}`).toBe(true)
    expect(orderValue, told).toBe(expected.orderValue)
  }
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(a), Math.abs(b))
}
