/**
 * Facets, orders, samples and counts from payload indexes, compared with the oracle while rows are added, changed and
 * deleted.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../../src/core/database.js'
import type { Filter } from '../../../src/core/filter.js'
import { open } from '../../../src/index.js'
import { Random } from '../../oracle/fault-random.js'
import { MemoryDatabase } from '../../oracle/memory-database.js'

const SEED = 11_400
const IDS = 300
const STEPS = 60

function payloadOf(random: Random): Record<string, unknown> {
  const list = <T>(make: () => T): T | T[] =>
    random.chance(0.3) ? Array.from({ length: random.below(3) }, make) : make()
  return {
    word: list(() => `w${random.below(7)}`),
    whole: list(() => random.below(9) - 4),
    half: list(() => random.below(40) / 2 - 5),
    flag: random.chance(0.5),
    at: list(() => new Date(Date.UTC(2026, random.below(12), 1)).toISOString()),
    far: 9_007_199_254_740_993n + BigInt(random.below(3)),
    // Values of a type that the index does not take.
    ...(random.chance(0.1) ? { word: 7, whole: 'seven', half: null } : {}),
  }
}

const INDEXES = [
  ['word', 'keyword'],
  ['whole', 'integer'],
  ['half', 'float'],
  ['flag', 'bool'],
  ['at', 'datetime'],
  ['far', 'integer'],
] as const

const FILTERS: (Filter | null)[] = [
  null,
  { must: { key: 'word', match: { any: ['w1', 'w2', 'w3'] } } },
  { must: [{ key: 'whole', range: { gte: 0 } }], mustNot: { key: 'flag', match: { value: true } } },
  { must: { key: 'unindexed', isEmpty: true } },
  { must: { hasId: Array.from({ length: 40 }, (_, i) => i * 3) } },
]

describe('aggregates', () => {
  let engine: Database
  let asked: Collection
  let oracle: Collection
  const random = new Random(SEED)

  beforeAll(async () => {
    engine = await open(':memory:')
    const make = (database: Database) => database.createCollection('c', { vectors: { size: 2, distance: 'Dot' } })
    ;[asked, oracle] = [await make(engine), await make(new MemoryDatabase())]
    // Some rows exist before their index, most come later.
    await change()
    for (const collection of [asked, oracle])
      for (const [field, kind] of INDEXES) await collection.createPayloadIndex(field, kind)
    for (let step = 0; step < STEPS; step++) await change()
  })
  afterAll(async () => await engine.close())

  async function change(): Promise<void> {
    const ids = random.distinct(1 + random.below(20), IDS)
    const payloads = ids.map(() => payloadOf(random))
    const kind = random.below(4)
    for (const collection of [asked, oracle]) {
      if (kind === 0) await collection.delete(ids.slice(0, 5))
      else if (kind === 1) {
        const present = (await collection.retrieve(ids)).map(({ id }) => id)
        if (present.length > 0) await collection.overwritePayload(payloads[0] as Record<string, unknown>, present)
      } else await collection.upsert(ids.map((id, i) => ({ id, vector: [id, 1], payload: payloads[i] as never })))
    }
  }

  it.each(FILTERS)('facets where %j', async (filter) => {
    for (const key of ['word', 'whole', 'flag', 'far']) {
      const expected = await oracle.facet({ key, filter, limit: 100 })
      const typed = expected.filter(
        ({ value }) => typeof value === (key === 'word' ? 'string' : key === 'flag' ? 'boolean' : typeof value),
      )
      const numbers = key === 'whole' || key === 'far' ? typed.filter(({ value }) => typeof value !== 'string') : typed
      expect(numbers.length).toBeGreaterThan(0)
      expect(await asked.facet({ key, filter, limit: 100 }), key).toEqual(numbers)
      expect(await asked.facet({ key, filter, limit: 2 }), key).toEqual(numbers.slice(0, 2))
    }
  })

  it.each(FILTERS)('orders where %j', async (filter) => {
    for (const key of ['whole', 'half', 'at', 'far']) {
      for (const direction of ['asc', 'desc'] as const) {
        for (const startFrom of [
          null,
          { whole: 1, half: 2.25, at: '2026-05-01T00:00:00Z', far: 9_007_199_254_740_994n }[key] as number,
        ]) {
          const orderBy = { key, direction, startFrom }
          const seen = async (collection: Collection, limit: number) => {
            const { points, nextOffset } = await collection.scrollPage({
              orderBy,
              filter,
              limit,
              withPayload: ['whole'],
            })
            expect(nextOffset).toBeNull()
            return points
          }
          const all = await seen(oracle, 10_000)
          const found = await seen(asked, 10_000)
          const told = JSON.stringify({ key, direction, filter }) + String(startFrom)
          expect(
            found.map(({ orderValue }) => orderValue),
            told,
          ).toEqual(all.map(({ orderValue }) => orderValue))
          const pairs = (points: typeof all) => points.map(({ id, orderValue }) => `${id} ${orderValue}`).sort()
          expect(pairs(found), told).toEqual(pairs(all))
          expect(await seen(asked, 7), told).toEqual(found.slice(0, 7))
        }
      }
    }
  })

  it.each(FILTERS)('counts and samples where %j', async (filter) => {
    const options = filter ? { filter } : {}
    const count = await oracle.count(options)
    expect(await asked.count(options)).toBe(count)
    const about = await asked.count({ ...options, exact: false })
    expect(Math.abs(about - count)).toBeLessThanOrEqual(count * 0.7 + 20)
    const sample = await asked.query({ query: { sample: 'random' }, limit: 10_000, withPayload: false, ...options })
    const all = await oracle.query({ query: { sample: 'random' }, limit: 10_000, withPayload: false, ...options })
    const ids = (hits: { id: unknown }[]) => hits.map(({ id }) => Number(id)).sort((a, b) => a - b)
    expect(ids(sample)).toEqual(ids(all))
  })

  it('samples each point equally often', async () => {
    const present = (await oracle.query({ limit: 1000, withPayload: false })).length
    const times = new Map<unknown, number>()
    const rounds = 400
    for (let round = 0; round < rounds; round++) {
      for (const { id } of await asked.query({ query: { sample: 'random' }, limit: 10, withPayload: false })) {
        times.set(id, (times.get(id) ?? 0) + 1)
      }
    }
    const expected = (rounds * 10) / present
    expect(times.size).toBe(present)
    // Six deviations of a binomial count.
    for (const counted of times.values()) expect(Math.abs(counted - expected)).toBeLessThan(6 * Math.sqrt(expected))
  })
})
