/**
 * The indexes that strict mode requires: for payload fields that are read, and for vectors that are searched; in the
 * library and over HTTP.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.js'
import type { Collection, Database } from '../../src/core/database.js'
import type { Filter } from '../../src/core/filter.js'
import type { Expression } from '../../src/core/formula.js'
import type { PayloadIndexKind, PayloadIndexOptions } from '../../src/core/payload-index.js'
import type { QueryGroupsOptions } from '../../src/core/query.js'
import type { CollectionOptions, StrictModeConfig } from '../../src/core/schema.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'
import { type Attempt, expectRefused } from './strict-refused.js'

type Refusals = [attempt: Attempt, message: string][]

const Q = { query: [1, 0], limit: 2 }
const HERE = { lon: 10, lat: 59 }
const CHOOSE = 'Help: Create an index for this key or use a different filter.'
const ANY = '[bool, datetime, float, geo, integer, keyword, text, uuid]'
const INDEXES: Record<string, PayloadIndexKind | PayloadIndexOptions> = {
  kw: 'keyword',
  n: 'integer',
  price: 'float',
  at: 'datetime',
  here: 'geo',
  begun: { type: 'keyword', prefix: true },
  worded: 'text',
  ranged: { type: 'integer', lookup: false, range: true },
  looked: { type: 'integer', lookup: true, range: false },
  tenant: { type: 'keyword', isTenant: true },
}
const payload = (id: number) => ({
  kw: 'x',
  n: id,
  price: id + 0.5,
  at: '2024-01-01T00:00:00Z',
  here: HERE,
  ranged: id,
  looked: id,
  tenant: 't',
  begun: 'abc',
  worded: 'a few words',
  other: 'y',
  bare: { number: id, at: '2024-01-01T00:00:00Z', here: HERE },
})

const missing = (key: string, kinds: string) =>
  `Index required but not found for "${key}" of one of the following types: ${kinds}`
const scoredBy =
  (formula: Expression): Attempt =>
  (c) =>
    c.query({ prefetch: Q, query: { formula } })
const filteredBy =
  (filter: Filter): Attempt =>
  (c) =>
    c.query({ ...Q, filter })
const grouped =
  (options: Partial<QueryGroupsOptions>): Attempt =>
  (c) =>
    c.queryGroups({ ...Q, groupBy: 'kw', groupSize: 1, ...options })
const to = (key: string): Expression => ({ geoDistance: { origin: HERE, to: key } })

const UNINDEXED: [what: string, allowed: Attempt[], refused: Refusals][] = [
  [
    'variables of formulas',
    [
      ...['n', 'price', 'ranged', 'looked'].map((key) => scoredBy({ sum: ['$score', key] })),
      scoredBy({ gaussDecay: { x: to('here'), scale: 100 } }),
      scoredBy({ expDecay: { x: { datetimeKey: 'at' }, target: { datetime: '2024-01-01T00:00:00Z' }, scale: 9 } }),
      scoredBy({ key: 'kw', match: { value: 'x' } }),
    ],
    [
      [scoredBy({ sum: ['$score', 'bare.number'] }), missing('bare.number', '[float, integer]')],
      [scoredBy({ neg: { abs: 'kw' } }), missing('kw', '[float, integer]')],
      [
        scoredBy({ div: { left: 1, right: { pow: { base: 'n', exponent: 'at' } } } }),
        missing('at', '[float, integer]'),
      ],
      [scoredBy({ linDecay: { x: 'n', target: 'other' } }), missing('other', '[float, integer]')],
      [scoredBy(to('bare.here')), missing('bare.here', '[geo]')],
      [scoredBy({ mult: [2, { datetimeKey: 'bare.at' }] }), missing('bare.at', '[datetime]')],
      [scoredBy({ sum: ['$score', { key: 'other', match: { value: 'x' } }] }), missing('other', '[keyword, uuid]')],
      [scoredBy({ sum: ['$score', { isNull: { key: 'other' } }] }), missing('other', ANY)],
      [
        (c) => c.query({ prefetch: { prefetch: Q, query: { formula: 'bare.number' } }, query: [0, 1] }),
        'Help: Create an index for this key or use a different formula expression.',
      ],
      [
        (c) => c.queryGroups({ prefetch: Q, query: { formula: to('other') }, groupBy: 'kw' }),
        missing('other', '[geo]'),
      ],
    ],
  ],
  [
    'the field of groups',
    [grouped({}), grouped({ groupBy: 'n' }), grouped({ groupBy: 'looked' })],
    [
      [
        grouped({ groupBy: 'other' }),
        'Bad request: Index required but not found for "other". Help: Create an index supporting `match` for this key.',
      ],
      [grouped({ groupBy: 'price' }), 'Index of type "Float" found for "price"'],
      [grouped({ groupBy: 'ranged' }), 'Index of type "Integer" found for "ranged"'],
    ],
  ],
  [
    'conditions that any index answers',
    [
      ...['kw', 'n', 'price', 'at', 'here', 'ranged', 'looked'].flatMap((key) => [
        filteredBy({ must: [{ isEmpty: { key } }] }),
        filteredBy({ mustNot: [{ isNull: { key } }] }),
        filteredBy({ must: [{ key, valuesCount: { gte: 1 } }] }),
      ]),
      filteredBy({ must: [{ key: 'kw', match: { any: [] } }] }),
      filteredBy({ mustNot: [{ key: 'looked', match: { except: [] } }] }),
      filteredBy({ must: [{ hasId: [1] }] }),
    ],
    [
      [filteredBy({ must: [{ isEmpty: { key: 'other' } }] }), missing('other', ANY)],
      [filteredBy({ should: [{ isNull: { key: 'other' } }] }), `${missing('other', ANY)}. ${CHOOSE}`],
      [(c) => c.count({ filter: { must: [{ key: 'other', valuesCount: { gte: 1 } }] } }), missing('other', ANY)],
      [(c) => c.scrollPage({ filter: { mustNot: [{ isEmpty: { key: 'bare' } }] } }), missing('bare', ANY)],
    ],
  ],
  [
    'indexes of integers for what they are for',
    [
      filteredBy({ must: [{ key: 'ranged', range: { gte: 1 } }] }),
      filteredBy({ must: [{ key: 'looked', match: { any: [1, 2] } }] }),
    ],
    [
      [filteredBy({ must: [{ key: 'ranged', match: { value: 1 } }] }), missing('ranged', '[integer]')],
      [filteredBy({ must: [{ key: 'ranged', match: { except: [1] } }] }), missing('ranged', '[integer]')],
      [filteredBy({ must: [{ key: 'looked', range: { gte: 1 } }] }), missing('looked', '[float, integer]')],
    ],
  ],
  [
    'capabilities for prefixes and phrases',
    [
      filteredBy({ must: [{ key: 'begun', match: { prefix: 'ab' } }] }),
      filteredBy({ must: [{ key: 'worded', match: { phrase: 'few words' } }] }),
    ],
    [
      [filteredBy({ must: [{ key: 'kw', match: { prefix: 'x' } }] }), missing('kw', '[keyword]')],
      [filteredBy({ must: [{ key: 'other', match: { phrase: 'few words' } }] }), missing('other', '[text]')],
    ],
  ],
]

const NO_GRAPH =
  'Bad request: Request is forbidden because global vector indexing is disabled (hnsw_config.m = 0). Help: '
const NO_GRAPH_AT_ALL = 'because vector indexing is disabled (hnsw_config.m = 0 and hnsw_config.payload_m = 0). Help: '
const ofTenant = (key: string): Filter => ({ must: [{ key, match: { value: 't' } }] })
const POINT = { vector: [1, 1], payload: payload(1) }

describe.each(['library', 'service'])('strict mode of the %s', (face) => {
  let database: Database
  let url = ''
  let made = 0
  const ends: (() => Promise<void>)[] = []
  beforeAll(async () => {
    const embedded = await open(':memory:')
    ends.push(() => embedded.close())
    database = embedded
    if (face === 'library') return
    const server = createServer({ database: embedded, port: 0, logLevel: 'silent' })
    url = await server.listen()
    database = await connect(url, { retries: 0 })
    ends.push(
      () => server.close(),
      () => database.close(),
    )
  })
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  async function strict(config: StrictModeConfig, options: CollectionOptions = {}): Promise<Collection> {
    const vectors = { size: 2, distance: 'Dot' } as const
    const collection = await database.createCollection(`strict-${made++}`, { vectors, ...options })
    if (options.vectors === undefined) {
      await collection.upsert([1, 2, 3].map((id) => ({ id, vector: [id, 1], payload: payload(id) })))
    }
    for (const [field, schema] of Object.entries(INDEXES)) await collection.createPayloadIndex(field, schema)
    await collection.updateConfig({ strictModeConfig: { ...config, enabled: true } })
    return collection
  }

  it.each(UNINDEXED)('requires indexes: %s', async (_, allowed, refused) => {
    const collection = await strict({ unindexedFilteringRetrieve: false })
    for (const attempt of allowed) await attempt(collection)
    await expectRefused(collection, 'unindexedFilteringRetrieve', refused)
    await collection.updateConfig({ strictModeConfig: { unindexedFilteringRetrieve: true } })
    const isOfOtherKinds = (error: { message: string }) => expect(error.message).toMatch(/Expected .* value for/)
    for (const [attempt] of refused) await attempt(collection).catch(isOfOtherKinds)
  })

  it('requires indexes for all fields in filters of writes, for every kind of condition', async () => {
    const collection = await strict({ unindexedFilteringUpdate: false })
    await collection.delete({ filter: { must: [{ isEmpty: { key: 'kw' } }] } })
    await expectRefused(collection, 'unindexedFilteringUpdate', [
      [(c) => c.delete({ filter: { must: [{ isEmpty: { key: 'other' } }] } }), missing('other', ANY)],
      [(c) => c.setPayload({ a: 1 }, { filter: ofTenant('ranged') }), missing('ranged', '[keyword, uuid]')],
    ])
  })

  it('counts every point of every group, and all neighbours of a matrix, within maxQueryLimit', async () => {
    const collection = await strict({ maxQueryLimit: 4 })
    await grouped({ limit: 2, groupSize: 2 })(collection)
    await grouped({ limit: 4, groupSize: 1 })(collection)
    await collection.searchMatrix({ sample: 2, limit: 2 })
    const of = (rows: number) => `Limit exceeded ${rows} > 4 for "limit"`
    await expectRefused(collection, 'maxQueryLimit', [
      [grouped({ limit: 3, groupSize: 2 }), of(6)],
      [grouped({ limit: 1, groupSize: 5 }), of(5)],
      [(c) => c.searchMatrix({ sample: 3, limit: 2 }), of(6)],
      [(c) => c.searchMatrix(), of(30)],
      [(c) => c.queryGroups({ ...Q, limit: 2, groupBy: 'kw' }), of(6)],
      [(c) => c.queryGroups({ query: [1, 0], groupBy: 'kw' }), of(30)],
      [grouped({ limit: 1, prefetch: { ...Q, limit: 5 } }), of(5)],
    ])
  })

  it('refuses searches of a collection without a graph, since they are scans', async () => {
    const collection = await strict({ searchAllowExact: false }, { hnswConfig: { m: 0 } })
    const allowed: Attempt[] = [
      (c) => c.query({ limit: 2 }),
      (c) => c.query({ prefetch: { limit: 2 }, query: [1, 0] }),
      (c) => c.query({ query: { sample: 'random' } }),
      (c) => c.query({ query: { orderBy: 'n' } }),
      (c) => c.scrollPage(),
      (c) => c.searchMatrix({ limit: 1, sample: 2 }),
    ]
    for (const attempt of allowed) await attempt(collection)
    const help =
      'Use tenant-specific filter, enable global vector indexing or enable strict mode `search_allow_exact` option'
    await expectRefused(collection, 'searchAllowExact', [
      [(c) => c.query(Q), NO_GRAPH + help],
      [(c) => c.query({ query: 1 }), NO_GRAPH],
      [(c) => c.query({ query: { nearest: [1, 0], mmr: {} } }), NO_GRAPH],
      [(c) => c.query({ query: { recommend: { positive: [1] } } }), NO_GRAPH],
      [(c) => c.queryBatch([{ limit: 2 }, Q]), NO_GRAPH],
      [(c) => c.explain(Q), NO_GRAPH],
      [grouped({}), NO_GRAPH],
      [(c) => c.query({ ...Q, filter: ofTenant('kw') }), NO_GRAPH],
      [(c) => c.query({ prefetch: Q, query: { fusion: 'rrf' } }), NO_GRAPH],
      // A prefetch with prefetches of its own is refused all the same, as in Qdrant.
      [(c) => c.query({ prefetch: { ...Q, prefetch: { limit: 2 } }, query: [1, 0] }), NO_GRAPH],
      [
        (c) => c.query({ ...Q, filter: ofTenant('tenant') }),
        `${NO_GRAPH_AT_ALL}Enable vector indexing, use a prefetch query with indexed vectors or enable strict mode \`search_allow_exact\` option`,
      ],
    ])
    await collection.updateConfig({ hnswConfig: { m: 16 } })
    await collection.query(Q)
  })

  it('lets callers who name a tenant search if tenants have graphs', async () => {
    const hnswConfig = { m: 0, payloadM: 16 }
    const collection = await strict({ searchAllowExact: false }, { hnswConfig })
    await collection.query({ ...Q, filter: ofTenant('tenant') })
    await expectRefused(collection, 'searchAllowExact', [[(c) => c.query(Q), NO_GRAPH]])
    await collection.updateConfig({ vectors: { '': { hnswConfig: { payloadM: 0 } } } })
    await expectRefused(collection, 'searchAllowExact', [
      [(c) => c.query({ ...Q, filter: ofTenant('tenant') }), NO_GRAPH_AT_ALL],
    ])
  })

  it('checks the graph of the vector that is searched', async () => {
    const vectors = {
      scanned: { size: 2, distance: 'Dot', hnswConfig: { m: 0 } },
      linked: { size: 2, distance: 'Dot' },
    } as const
    const collection = await strict({ searchAllowExact: false }, { vectors, sparseVectors: { sparse: {} } })
    await collection.upsert([{ id: 1, vector: { scanned: [1, 1], linked: [1, 1] }, payload: POINT.payload }])
    const linked = { ...Q, using: 'linked' }
    const scanned = { ...Q, using: 'scanned' }
    await collection.query(linked)
    await collection.query({ query: { indices: [1], values: [1] }, using: 'sparse' })
    // Only the points of the prefetch are looked at.
    await collection.query({ ...scanned, prefetch: linked })
    const message = "Request is forbidden on 'scanned' because global vector indexing is disabled (hnsw_config.m = 0)"
    await expectRefused(collection, 'searchAllowExact', [
      [(c) => c.query(scanned), message],
      [(c) => c.query({ ...linked, prefetch: scanned }), message],
      [(c) => c.queryGroups({ ...scanned, groupBy: 'kw' }), message],
    ])
    await expect(collection.query({ ...Q, using: 'nowhere' })).rejects.toThrow('Not existing vector name')
    await expect(collection.query(Q)).rejects.toThrow('the collection has several vectors')
  })

  it.runIf(face === 'service')('holds of the older paths of groups too', async () => {
    const { name } = await strict({ unindexedFilteringRetrieve: false, maxQueryLimit: 4 })
    const asks = { search: { vector: [1, 0] }, recommend: { positive: [1] }, query: { query: [1, 0] } }
    for (const [path, ask] of Object.entries(asks)) {
      const post = async (more: object) => {
        const body = JSON.stringify({ ...ask, limit: 2, group_size: 2, group_by: 'kw', ...more })
        const headers = { 'content-type': 'application/json' }
        const init = { method: 'POST', headers, body }
        const answer = await fetch(`${url}/collections/${name}/points/${path}/groups`, init)
        return [answer.status, JSON.stringify(await answer.json())]
      }
      expect((await post({}))[0], path).toBe(200)
      expect(await post({ group_by: 'other' }), path).toEqual([400, expect.stringContaining('Index required but not')])
      expect(await post({ group_size: 3 }), path).toEqual([400, expect.stringContaining('Limit exceeded 6 > 4')])
    }
  })
})
