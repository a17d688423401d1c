import { beforeAll, describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import type { Condition, Filter } from '../../src/core/filter.js'
import { snakeCase } from '../../src/core/vocabulary/spelling.js'
import { sipHash } from '../oracle/sip-hash.js'
import type { Suite } from './database.contract.js'

const UUID = '550e8400-e29b-41d4-a716-446655440000'
const BIG = 9_007_199_254_740_993n

const OSLO = { lon: 10.75, lat: 59.91 }
const ROME = { lon: 12.5, lat: 41.9 }

const PAYLOADS: Record<string, unknown>[] = [
  {
    city: 'Oslo',
    n: 1,
    price: 0.5,
    open: true,
    when: '2024-01-01T00:00:00Z',
    tags: ['a', 'b'],
    owner: UUID,
    big: BIG,
    at: OSLO,
  },
  { city: 'Rome', n: 2, price: 1.5, open: false, when: '2024-06-01T12:00:00+02:00', tags: [], big: BIG + 1n, at: ROME },
  {
    city: ['Oslo', 'Kyoto'],
    at: [OSLO, { lon: 135.77, lat: 35.01 }],
    n: 3,
    tags: ['c'],
    parts: [
      { kind: 'x', size: 1 },
      { kind: 'y', size: 9 },
    ],
  },
  {
    city: 'Kyoto',
    at: { lon: 179, lat: -17 },
    n: -4,
    price: 3,
    tags: null,
    parts: [{ kind: 'x', size: 9 }],
    deep: { a: [{ b: 1 }, { b: 2 }] },
  },
  { n: 5.5, tags: ['a'], 'odd.key': 1, deep: { a: { b: 7 } } },
]

const value = (key: string, wanted: string | number | bigint | boolean): Condition => ({
  key,
  match: { value: wanted },
})

/** Between two latitudes, from 5° to 15° east. */
function ring(from: number, to: number) {
  const corners: [number, number][] = [
    [5, from],
    [15, from],
    [15, to],
    [5, to],
    [5, from],
  ]
  return { points: corners.map(([lon, lat]) => ({ lon, lat })) }
}

/** By SipHash-2-4 of the ids 1 to 5: the same in every collection, and in Qdrant. */
const SLICES = [0n, 1n].map((index) => [1, 2, 3, 4, 5].filter((id) => sipHash(idBytes(id)) % 2n === index)) as [
  number[],
  number[],
]

function idBytes(id: number): Uint8Array {
  return Uint8Array.of(id, 0, 0, 0, 0, 0, 0, 0)
}

/** Filters with the ids (1 to 5) that match. */
const FILTERS: [what: string, filter: Filter, ids: number[]][] = [
  ['a keyword', { must: [value('city', 'Oslo')] }, [1, 3]],
  ['an integer', { must: [value('n', 2)] }, [2]],
  ['an integer beyond 2^53', { must: [value('big', BIG)] }, [1]],
  ['a boolean', { must: [value('open', false)] }, [2]],
  ['a UUID', { must: [value('owner', UUID)] }, [1]],
  ['a single condition without a list', { must: value('n', 1) }, [1]],
  ['any', { must: [{ key: 'city', match: { any: ['Rome', 'Kyoto'] } }] }, [2, 3, 4]],
  ['except', { must: [{ key: 'city', match: { except: ['Oslo'] } }] }, [2, 3, 4]],
  ['a range of integers', { must: [{ key: 'n', range: { gte: 1, lt: 3 } }] }, [1, 2]],
  ['a range of floats', { must: [{ key: 'price', range: { gt: 0.5, lte: 3 } }] }, [2, 4]],
  [
    'a range of date-times',
    { must: [{ key: 'when', range: { gt: '2024-02-01T00:00:00Z', lt: '2024-06-01T10:00:01Z' } }] },
    [2],
  ],
  ['must and mustNot', { must: [value('city', 'Oslo')], mustNot: [value('n', 1)] }, [3]],
  ['should', { should: [value('n', 1), value('n', 2)] }, [1, 2]],
  [
    'minShould',
    { minShould: { conditions: [value('city', 'Oslo'), value('tags', 'a'), value('n', 1)], minCount: 2 } },
    [1],
  ],
  [
    'a filter in a filter',
    { must: [{ should: [value('n', 2), { must: [value('n', 3)], mustNot: [value('city', 'Rome')] }] }] },
    [2, 3],
  ],
  ['isEmpty', { must: [{ isEmpty: { key: 'tags' } }] }, [2, 4]],
  ['isNull', { must: [{ isNull: { key: 'tags' } }] }, [4]],
  ['isEmpty of an absent key', { mustNot: [{ isEmpty: { key: 'price' } }] }, [1, 2, 4]],
  ['valuesCount', { must: [{ key: 'tags', valuesCount: { gte: 2 } }] }, [1]],
  ['no values, of a field that some lack', { must: [{ key: 'price', valuesCount: { lt: 1 } }] }, [3, 5]],
  ['no values, of null and []', { must: [{ key: 'tags', valuesCount: { lte: 0 } }] }, [2, 4]],
  ['any number of values', { must: [{ key: 'nowhere', valuesCount: { gte: 0 } }] }, [1, 2, 3, 4, 5]],
  [
    'no values in an element',
    { must: { nested: { key: 'parts', filter: { must: { key: 'colour', valuesCount: { lt: 1 } } } } } },
    [3, 4],
  ],
  ['hasId', { must: [{ hasId: [1, 4, 99] }] }, [1, 4]],
  ['hasVector', { must: [{ hasVector: 'text' }] }, [1, 3, 5]],
  ['a vector that there is none of', { must: [{ hasVector: 'nowhere' }] }, []],
  ['minShould of too few', { minShould: { conditions: [value('n', 1)], minCount: 2 } }, []],
  ['minShould of none', { minShould: { conditions: [], minCount: 1 } }, []],
  ['a path through arrays', { must: [value('parts[].kind', 'y')] }, [3]],
  ['an element of an array', { must: [value('parts[0].size', 9)] }, [4]],
  ['a path into objects', { must: [value('deep.a[].b', 2)] }, [4]],
  ['a quoted key', { must: [value('"odd.key"', 1)] }, [5]],
  [
    'both in one element',
    {
      must: [{ nested: { key: 'parts', filter: { must: [value('kind', 'x'), { key: 'size', range: { gte: 9 } }] } } }],
    },
    [4],
  ],
  ['both in any element', { must: [value('parts[].kind', 'x'), { key: 'parts[].size', range: { gte: 9 } }] }, [3, 4]],
  ['a text anywhere in a text', { must: [{ key: 'city', match: { text: 'yot' } }] }, [3, 4]],
  ['a phrase anywhere in a text', { must: [{ key: 'city', match: { phrase: 'sl' } }] }, [1, 3]],
  ['one of several words', { must: [{ key: 'city', match: { textAny: 'nowhere ome  osl' } }] }, [2]],
  ['a prefix', { must: [{ key: 'city', match: { prefix: 'Os' } }] }, [1, 3]],
  [
    'a box',
    {
      must: [{ key: 'at', geoBoundingBox: { topLeft: { lon: 9, lat: 61 }, bottomRight: { lon: 14, lat: 40 } } }],
    },
    [1, 2, 3],
  ],
  [
    'a box over the antimeridian',
    {
      must: [{ key: 'at', geoBoundingBox: { topLeft: { lon: 170, lat: 0 }, bottomRight: { lon: -170, lat: -50 } } }],
    },
    [4],
  ],
  ['a radius', { must: [{ key: 'at', geoRadius: { center: { lon: 10.7, lat: 59.9 }, radius: 20_000 } }] }, [1, 3]],
  [
    'a polygon with a hole',
    { must: [{ key: 'at', geoPolygon: { exterior: ring(-5, 65), interiors: [ring(11, 45)] } }] },
    [1, 3],
  ],
  ['either of two checks of one condition', { must: [{ key: 'n', match: { value: 1 }, range: { gt: 5 } }] }, [1, 5]],
  ['a slice', { must: [{ slice: { total: 2, index: 0 } }] }, SLICES[0]],
  ['the other slice', { must: [{ slice: { total: 2, index: 1 } }] }, SLICES[1]],
  ['an empty filter', {}, [1, 2, 3, 4, 5]],
  ['a value that no point has', { must: [value('city', 'Lima')] }, []],
]

export function describeFilters(suite: Suite): void {
  describe('filters', () => {
    let collection: Collection
    beforeAll(async () => {
      collection = await suite.named()
      await collection.upsert(
        PAYLOADS.map((payload, i) => ({
          id: i + 1,
          vector: i % 2 === 0 ? { image: [i, 0, 0], text: [1, i] } : { image: [i, 0, 0] },
          payload,
        })),
      )
    })

    it.each(FILTERS)('let %s through, in counts, scrolls and queries', (_what, filter, ids) =>
      expectMatches(collection, filter, ids),
    )

    it('are taken in the spelling of the wire too', async () => {
      for (const [, filter, ids] of FILTERS) await expectMatches(collection, inWireWords(filter) as Filter, ids)
    })

    it('match the same with payload indexes', async () => {
      const kinds = {
        city: 'keyword',
        n: 'float',
        price: 'float',
        open: 'bool',
        when: 'datetime',
        owner: 'uuid',
        tags: 'keyword',
        nowhere: 'keyword',
        'parts[].colour': 'keyword',
        big: 'integer',
        at: 'geo',
      } as const
      for (const [field, kind] of Object.entries(kinds)) await collection.createPayloadIndex(field, kind)
      for (const [, filter, ids] of FILTERS) await expectMatches(collection, filter, ids)
    })
  })
}

function inWireWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inWireWords)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [snakeCase(key), inWireWords(one)]))
}

async function expectMatches(collection: Collection, filter: Filter, ids: number[]): Promise<void> {
  const where = JSON.stringify(filter, (_, property: unknown) =>
    typeof property === 'bigint' ? String(property) : property,
  )
  expect(await collection.count({ filter }), where).toBe(ids.length)
  expect(
    (await collection.scrollPage({ filter })).points.map((point) => point.id),
    where,
  ).toEqual(ids)
  const hits = await collection.query({ query: [0, 0, 0], using: 'image', filter })
  expect(
    hits.map((hit) => hit.id),
    where,
  ).toEqual(ids)
}
