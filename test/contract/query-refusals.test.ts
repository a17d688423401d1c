/** Queries with one error each, through the library and on the wire. The message must name the error. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import type { Expression } from '../../src/core/formula.js'
import { LIMITS } from '../../src/core/limits.js'
import type { Prefetch, QueryOptions } from '../../src/core/query.js'
import { FACES, openFace } from './faces.js'

const NEAR = [1, 2, 3]
const PREFETCH: Prefetch = { query: NEAR }

function nested(depth: number): Prefetch {
  let prefetch: Prefetch = { query: NEAR }
  for (let i = 1; i < depth; i++) prefetch = { prefetch, query: NEAR }
  return prefetch
}

function deep(depth: number): Expression {
  let expression: Expression = '$score'
  for (let i = 0; i < depth; i++) expression = { neg: expression }
  return expression
}

const formula = (expression: unknown, defaults?: unknown): unknown => ({
  prefetch: PREFETCH,
  query: { formula: expression, ...(defaults === undefined ? {} : { defaults }) },
})
const feedback = (parts: object): unknown => ({
  query: {
    relevanceFeedback: {
      target: NEAR,
      feedback: [{ example: NEAR, score: 1 }],
      strategy: { naive: { a: 1, b: 1, c: 1 } },
      ...parts,
    },
  },
})

const REFUSED: [what: string, query: unknown, names: RegExp][] = [
  ['an empty query', { query: {} }, /query/],
  ['a query of no kind', { query: { guess: 1 } }, /query/],
  ['two kinds at once', { query: { sample: 'random', fusion: 'rrf' }, prefetch: PREFETCH }, /query/],
  ['a vector of the wrong size', { query: { nearest: [1] } }, /query.*3.*1/],
  ['text in a vector', { query: { nearest: [1, '2', 3] } }, /query.*\[1\]/],
  ['an id of no kind', { query: { nearest: -1 } }, /query.*-1/],
  ['an unknown vector', { query: NEAR, using: 'nowhere', prefetch: PREFETCH }, /using.*nowhere/],
  ['a limit of nothing', { query: NEAR, prefetch: { query: NEAR, limit: 0 } }, /prefetch\[0\]\.limit.*0/],
  ['a prefetch that is none', { query: NEAR, prefetch: [7] }, /prefetch\[0\].*7/],
  ['prefetches without a query', { prefetch: PREFETCH }, /query is needed to merge/],
  ['a vector in a prefetch', { query: NEAR, prefetch: [PREFETCH, { query: [1, 2] }] }, /prefetch\[1\]\.query.*3.*2/],
  [
    'a filter in a prefetch',
    { query: NEAR, prefetch: { query: NEAR, filter: { must: { kye: 'n' } } } },
    /prefetch\[0\]\.filter\.must.*kye/,
  ],
  [
    'an effort in a prefetch',
    { query: NEAR, prefetch: { query: NEAR, params: { hnswEf: 0 } } },
    /^prefetch\[0\]\.params\.hnswEf.*0/,
  ],
  [
    'too many prefetches',
    { query: NEAR, prefetch: Array.from({ length: LIMITS.prefetches + 1 }, () => PREFETCH) },
    /prefetch.*1024.*1025/,
  ],
  [
    'too many prefetches in all',
    { query: NEAR, prefetch: Array.from({ length: 600 }, () => ({ query: NEAR, prefetch: PREFETCH })) },
    /prefetch.*1024/,
  ],
  ['prefetches too deep', { query: NEAR, prefetch: nested(LIMITS.prefetchDepth + 1) }, /prefetch.*64/],
  ['a threshold without a query', { scoreThreshold: 1 }, /score_threshold/],
  ['a threshold of an order', { query: { orderBy: 'n' }, scoreThreshold: 1 }, /score_threshold/],
  [
    'a threshold that is no number',
    { query: NEAR, scoreThreshold: Number.NaN, prefetch: PREFETCH },
    /^scoreThreshold.*NaN/,
  ],
  ['fusion of nothing', { query: { fusion: 'rrf' } }, /Fusion without prefetches/],
  ['fusion of an unknown kind', { query: { fusion: 'max' }, prefetch: PREFETCH }, /query\.fusion.*max/],
  [
    'fusion by a vector that there is not',
    { query: { fusion: 'rrf' }, prefetch: PREFETCH, using: 'v' },
    /^using: Not existing vector.* v$/,
  ],
  ['a k of nothing', { query: { rrf: { k: 0 } }, prefetch: PREFETCH }, /query\.rrf\.k.*0/],
  ['a k that is a fraction', { query: { rrf: { k: 1.5 } }, prefetch: PREFETCH }, /query\.rrf\.k.*1\.5/],
  [
    'other weights than prefetches',
    { query: { rrf: { weights: [1, 2] } }, prefetch: PREFETCH },
    /query\.rrf\.weights.*1.*2/,
  ],
  ['a weight that is a text', { query: { rrf: { weights: ['1'] } }, prefetch: PREFETCH }, /query\.rrf\.weights\[0\]/],
  ['a diversity beyond 1', { query: { nearest: NEAR, mmr: { diversity: 1.5 } } }, /query\.mmr\.diversity.*1\.5/],
  ['a diversity below 0', { query: { nearest: NEAR, mmr: { diversity: -0.1 } } }, /query\.mmr\.diversity.*-0\.1/],
  [
    'too many candidates',
    { query: { nearest: NEAR, mmr: { candidatesLimit: 16_385 } } },
    /candidatesLimit.*16384.*16385/,
  ],
  ['an unknown strategy', { query: { recommend: { positive: [1], strategy: 'worst' } } }, /strategy.*worst/],
  ['no positive examples', { query: { recommend: { negative: [NEAR] } } }, /At least one positive/],
  ['no examples', { query: { recommend: { strategy: 'best_score' } } }, /At least one positive or negative/],
  [
    'an example of the wrong size',
    { query: { recommend: { positive: [NEAR, [1]] } } },
    /recommend\.positive\[1\].*3.*1/,
  ],
  [
    'too many examples',
    { query: { recommend: { positive: Array.from({ length: LIMITS.queryExamples + 1 }, () => NEAR) } } },
    /1024.*1025/,
  ],
  ['a discovery without a target', { query: { discover: { context: [] } } }, /discover\.target/],
  [
    'half a pair',
    { query: { discover: { target: NEAR, context: [{ positive: NEAR }] } } },
    /discover\.context\[0\]\.negative/,
  ],
  ['a pair that is none', { query: { context: [3] } }, /context\[0\]/],
  ['an order by nothing', { query: { orderBy: {} } }, /orderBy\.key/],
  ['an order by no path', { query: { orderBy: 'a..b' } }, /^query\.orderBy/],
  ['an order of no direction', { query: { orderBy: { key: 'n', direction: 'up' } } }, /orderBy\.direction.*up/],
  ['an order from a word', { query: { orderBy: { key: 'n', startFrom: 'soon' } } }, /startFrom.*soon/],
  ['an order without an index', { query: { orderBy: 'unindexed' } }, /No range index for `order_by` key: `unindexed`/],
  ['an order by a keyword', { query: { orderBy: 'place' } }, /No range index for `order_by` key: `place`/],
  ['a sample of another kind', { query: { sample: 'first' } }, /query\.sample.*first/],
  ['a formula of nothing', { query: { formula: '$score' } }, /Formula without prefetches/],
  ['a formula of an unknown operation', formula({ guess: 1 }), /formula.*guess/],
  ['a formula that is empty', formula({}), /formula/],
  ['a formula that is null', formula(null), /formula/],
  ['a number beyond float32', formula(1e300), /formula/],
  ['an unknown reserved word', formula('$rank'), /\$rank/],
  ['a score of no prefetch', formula('$score[a]'), /\$score|score\[a\]/],
  ['a sum of one', formula({ sum: 1 }), /formula\.sum/],
  ['half a division', formula({ div: { left: 1 } }), /formula\.div\.right/],
  ['half a power', formula({ pow: { base: 2 } }), /formula\.pow\.exponent/],
  ['a decay of no scale', formula({ expDecay: { x: 1, scale: 0 } }), /expDecay\.scale.*0/],
  ['a midpoint of 1', formula({ gaussDecay: { x: 1, midpoint: 1 } }), /gaussDecay\.midpoint.*1/],
  ['a midpoint beyond 1', formula({ linDecay: { x: 1, midpoint: 1.5 } }), /linDecay\.midpoint.*1\.5/],
  ['a date that is none', formula({ datetime: 'yesterday' }), /formula\.datetime.*yesterday/],
  [
    'a place beyond the pole',
    formula({ geoDistance: { origin: { lat: 91, lon: 0 }, to: 'place' } }),
    /origin\.lat.*91/,
  ],
  ['a condition of an unknown kind', formula({ key: 'n', matches: 1 }), /formula.*matches/],
  ['defaults that are a list', formula('$score', [1]), /defaults/],
  ['a formula too deep', formula(deep(LIMITS.formulaDepth + 1)), /formula.*128/],
  ['a formula too long', formula({ sum: Array.from({ length: LIMITS.formulaExpressions }, () => 1) }), /formula.*4096/],
  [
    'too much feedback',
    feedback({ feedback: Array.from({ length: LIMITS.feedbackItems + 1 }, () => ({ example: NEAR, score: 1 })) }),
    /feedback: expected at most 128 items, got 129/,
  ],
  ['feedback without a score', feedback({ feedback: [{ example: NEAR }] }), /feedback\[0\]\.score/],
  ['feedback without an example', feedback({ feedback: [{ score: 1 }] }), /feedback\[0\]\.example/],
  ['feedback of no strategy', feedback({ strategy: {} }), /strategy\.naive/],
  ['feedback with a negative b', feedback({ strategy: { naive: { a: 1, b: -1, c: 1 } } }), /naive\.b.*-1/],
  [
    'feedback of weights without end',
    feedback({
      feedback: [
        { example: NEAR, score: 1e30 },
        { example: NEAR, score: -1e30 },
      ],
      strategy: { naive: { a: 1, b: 9, c: 1 } },
    }),
    /naive/,
  ],
  ['a look-up of no collection', { query: 1, lookupFrom: {} }, /lookupFrom\.collection/],
  [
    'a look-up of a vector that is not there',
    { query: 1, lookupFrom: { collection: 'other', vector: 'nowhere' } },
    /lookupFrom\.vector.*nowhere/,
  ],
  ['a look-up of another size', { query: 1, lookupFrom: { collection: 'other' } }, /lookupFrom.*3.*2/],
]

const OTHERS: [what: string, attempt: (collection: Collection) => Promise<unknown>, names: RegExp][] = [
  ['groups of nothing', (c) => c.queryGroups({ query: NEAR } as never), /groupBy/],
  ['groups of no path', (c) => c.queryGroups({ query: NEAR, groupBy: '' }), /groupBy/],
  ['groups of no points', (c) => c.queryGroups({ query: NEAR, groupBy: 'n', groupSize: 0 }), /groupSize.*0/],
  [
    'groups with no look-up',
    (c) => c.queryGroups({ query: NEAR, groupBy: 'n', withLookup: {} as never }),
    /withLookup\.collection/,
  ],
  ['a facet of nothing', (c) => c.facet({} as never), /key/],
  ['a facet without an index', (c) => c.facet({ key: 'unindexed' }), /No appropriate index for faceting: `unindexed`/],
  ['a facet of floats', (c) => c.facet({ key: 'half' }), /No appropriate index for faceting: `half`/],
  ['a facet of no values', (c) => c.facet({ key: 'place', limit: 0 }), /limit.*0/],
  [
    'a facet by a wrong filter',
    (c) => c.facet({ key: 'place', filter: { must: { kye: 1 } as never } }),
    /filter\.must.*kye/,
  ],
  ['a matrix of one', (c) => c.searchMatrix({ sample: 1 }), /sample.*1/],
  ['a matrix of too many', (c) => c.searchMatrix({ sample: 4097 }), /sample.*4096.*4097/],
  ['a matrix of no neighbours', (c) => c.searchMatrix({ limit: 0 }), /limit.*0/],
  ['a matrix of no vector', (c) => c.searchMatrix({ using: 'nowhere' }), /using.*nowhere/],
  [
    'a page in two orders',
    (c) => c.scrollPage({ orderBy: 'n', offset: 3 }),
    /Cannot use an `offset` when using `order_by`/,
  ],
  ['a page in no order', (c) => c.scrollPage({ orderBy: 'place' }), /No range index/],
]

async function fill(database: Database): Promise<Collection> {
  const collection = await database.createCollection('refusals', { vectors: { size: 3, distance: 'Dot' } })
  await collection.upsert([{ id: 1, vector: NEAR, payload: { n: 1, half: 0.5, place: 'Oslo', unindexed: 1 } }])
  for (const [field, kind] of [
    ['n', 'integer'],
    ['half', 'float'],
    ['place', 'keyword'],
  ] as const) {
    await collection.createPayloadIndex(field, kind)
  }
  const other = await database.createCollection('other', { vectors: { size: 2, distance: 'Dot' } })
  await other.upsert([{ id: 1, vector: [1, 2] }])
  return collection
}

describe.each(FACES)('refused by the %s', (face) => {
  let collection: Collection
  let dispose: () => Promise<void>
  beforeAll(async () => {
    const opened = await openFace(face)
    collection = await fill(opened.database)
    dispose = opened.dispose
  })
  afterAll(async () => await dispose())

  it.each(REFUSED)('%s', async (_what, query, names) => {
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(names) }
    await expect(collection.query(query as QueryOptions)).rejects.toMatchObject(refused)
  })

  it.each(OTHERS)('%s', async (_what, attempt, names) => {
    await expect(attempt(collection)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(names),
    })
  })

  it.each([65_536, 1e9, 2 ** 53, 2n ** 64n - 1n])('a limit and an offset of %s are no bounds', async (many) => {
    const limit = many as number
    expect(await collection.query({ query: NEAR, limit })).toHaveLength(1)
    const fetched = { query: NEAR, limit }
    const twice = { ...fetched, prefetch: [fetched, fetched] }
    const prefetch = Array.from({ length: 300 }, () => twice)
    expect(await collection.query({ query: { fusion: 'rrf' }, limit, prefetch })).toHaveLength(1)
    expect(await collection.query({ query: NEAR, limit, offset: limit })).toEqual([])
    expect(await collection.query({ query: { sample: 'random' }, limit, offset: 1 })).toHaveLength(1)
    expect(await collection.query({ prefetch: PREFETCH, query: NEAR, offset: limit })).toEqual([])
    expect(await collection.queryGroups({ query: NEAR, groupBy: 'n', limit, groupSize: limit })).toHaveLength(1)
    expect((await collection.scrollPage({ limit })).points).toHaveLength(1)
    expect((await collection.scrollPage({ limit, orderBy: 'n' })).points).toHaveLength(1)
    expect(await collection.facet({ key: 'place', limit })).toHaveLength(1)
    expect(await collection.searchMatrix({ limit })).toMatchObject({ ids: [] })
  })

  it('values at the bounds are accepted', async () => {
    expect(await collection.query({ query: NEAR, prefetch: nested(LIMITS.prefetchDepth) })).toHaveLength(1)
    const prefetch = Array.from({ length: LIMITS.prefetches }, () => PREFETCH)
    expect(await collection.query({ query: { fusion: 'rrf' }, prefetch })).toHaveLength(1)
    const [hit] = await collection.query({ prefetch: PREFETCH, query: { formula: deep(LIMITS.formulaDepth) } })
    expect(hit?.score).toBe(14)
  })
})
