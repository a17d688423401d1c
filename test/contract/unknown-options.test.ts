/** Options that the library does not know, above all the wire's spellings: each is refused with an error. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Collection, Database } from '../../src/core/database.js'
import { VicinalError } from '../../src/core/errors.js'
import type { CollectionOptions, ConfigChange } from '../../src/core/schema.js'
import { open } from '../../src/index.js'
import { FACES, openFace } from './faces.js'

const NEAR = [1, 2, 3]
const VECTORS = { size: 3, distance: 'Dot' } as const

type Attempt = (collection: Collection, odd: never) => Promise<unknown>
/** A verb with its options. */
const QUERY: Attempt = (c, odd) => c.query({ query: NEAR, ...(odd as object) })
const PREFETCH: Attempt = (c, odd) => c.query({ query: NEAR, prefetch: [{ query: NEAR, ...(odd as object) }] })
const KIND: Attempt = (c, query) => c.query({ query })
const UPSERT: Attempt = (c, odd) => c.upsert([{ id: 1, vector: [9, 9, 9] }], odd)

const FORMULA: Attempt = (c, formula) => c.query({ prefetch: { query: NEAR }, query: { formula } })

const REFUSED: [what: string, attempt: Attempt, odd: unknown, names: RegExp][] = [
  ['a query', QUERY, { scorethreshold: 3.5 }, /^scorethreshold: expected a known option: did you mean scoreThreshold/],
  ['a query', QUERY, { withpayload: false }, /^withpayload: .*did you mean withPayload/],
  ['a query', QUERY, { withVectors: true }, /^withVectors: .*did you mean withVector\?/],
  ['a query', QUERY, { explain: true }, /^explain: expected a known option: one of query, prefetch/],
  ['a query', QUERY, { groupBy: 'g' }, /^groupBy: /],
  ['a filter that is not awaited', QUERY, { filter: Promise.resolve({}) }, /^filter: expected an object/],
  ['a filter that is a Map', QUERY, { filter: new Map([['must', []]]) }, /^filter: expected an object/],
  ['a condition of a write that is a Map', UPSERT, { updateFilter: new Map() }, /^updateFilter: expected an object/],
  ['a prefetch', PREFETCH, { scoreThresholds: 1 }, /^prefetch\[0\]\.scoreThresholds: .*did you mean scoreThreshold/],
  ['a nested prefetch', PREFETCH, { prefetch: { query: NEAR, offset: 1 } }, /^prefetch\[0\]\.prefetch\[0\]\.offset: /],
  ['parameters', QUERY, { params: { hnswef: 5 } }, /^params\.hnswef: .*did you mean hnswEf/],
  ['parameters', PREFETCH, { params: { ef: 5 } }, /^prefetch\[0\]\.params\.ef: /],
  ['codes', QUERY, { params: { quantization: { resocre: true } } }, /^params\.quantization\.resocre: .*rescore/],
  ['acorn', QUERY, { params: { acorn: { maxselectivity: 1 } } }, /^params\.acorn\.maxselectivity: .*maxSelectivity/],
  ['a lookup', QUERY, { query: 1, lookupFrom: { collection: 'c', using: 'x' } }, /^lookupFrom\.using: /],
  ['a kind of query', KIND, { orderby: 'n' }, /nearest, .*orderBy.*relevanceFeedback/],
  ['a query by vector', KIND, { nearest: NEAR, diversity: 1 }, /^query\.diversity: .*one of nearest, mmr/],
  ['mmr', KIND, { nearest: NEAR, mmr: { candidateslimit: 5 } }, /^query\.mmr\.candidateslimit: .*candidatesLimit/],
  ['recommend', KIND, { recommend: { positive: [NEAR], negatives: [] } }, /^query\.recommend\.negatives: .*negative\?/],
  ['discover', KIND, { discover: { target: NEAR, context: [], n: 1 } }, /^query\.discover\.n: .*target, context/],
  ['a pair', KIND, { context: [{ positive: NEAR, negative: NEAR, n: 1 }] }, /^query\.context\[0\]\.n: /],
  ['an order', KIND, { orderBy: { key: 'n', startfrom: 1 } }, /^query\.orderBy\.startfrom: .*startFrom/],
  ['a write', UPSERT, { updatefilter: { must: [{ has_id: [99] }] } }, /^updatefilter: .*did you mean updateFilter/],
  ['a write', UPSERT, { updateModes: 'insert_only' }, /^updateModes: .*did you mean updateMode/],
  ['a write', UPSERT, { updateMode: 'upsert', update_mode: 'upsert' }, /^update_mode: .*updateMode and update_mode/],
  ['a write', UPSERT, { timeout: 5 }, /^timeout: expected a known option: one of/],
  ['vectors', (c, odd) => c.updateVectors([{ id: 1, vector: NEAR }], odd), { updateMode: 'upsert' }, /^updateMode: /],
  ['deleted vectors', (c, odd) => c.deleteVectors([''], [1], odd), { waits: false }, /^waits: .*did you mean wait\?/],
  ['a deletion', (c, odd) => c.delete([1], odd), { timeoutms: 5 }, /^timeoutms: .*did you mean timeoutMs/],
  ['payload', (c, odd) => c.setPayload({ a: 1 }, [1], odd), { path: 'b' }, /^path: .*one of key, wait/],
  ['payload', (c, odd) => c.overwritePayload({ a: 1 }, [1], odd), { path: 'b' }, /^path: /],
  ['payload keys', (c, odd) => c.deletePayload(['kept'], [1], odd), { key: 'b' }, /^key: /],
  ['all payload', (c, odd) => c.clearPayload([1], odd), { key: 'b' }, /^key: /],
  [
    'an operation',
    (c, odd) => c.batch([{ op: 'upsert', points: [{ id: 1, vector: [9, 9, 9] }], ...(odd as object) }]),
    { updatemode: 'insert_only' },
    /^operations\[0\]\.updatemode: .*did you mean updateMode/,
  ],
  ['a batch of writes', (c, odd) => c.batch([{ op: 'delete', which: [1] }], odd), { ordering: 'weak' }, /^ordering: /],
  ['an index', (c, odd) => c.createPayloadIndex('a', 'keyword', odd), { waiting: true }, /^waiting: /],
  ['an index', (c, odd) => c.deletePayloadIndex('a', odd), { waiting: true }, /^waiting: /],
  [
    'a vector name',
    (c, odd) => c.createVectorName('v', odd),
    { dense: { ...VECTORS, ondisk: true } },
    /^dense\.ondisk/,
  ],
  ['a vector name', (c, odd) => c.deleteVectorName('v', odd), { waiting: true }, /^waiting: /],
  ['a batch', (c, odd) => c.queryBatch([{ query: NEAR }, odd]), { withVectors: true }, /^queries\[1\]\.withVectors: /],
  ['a batch', (c, odd) => c.queryBatch([{ query: NEAR }], odd), { withVector: true }, /^withVector: .*one of signal/],
  ['an explained batch', (c, odd) => c.explainBatch([odd]), { query: NEAR, top: 3 }, /^queries\[0\]\.top: /],
  ['explain', (c, odd) => c.explain(odd), { query: NEAR, threshold: 1 }, /^threshold: /],
  ['groups', (c, odd) => c.queryGroups(odd), { query: NEAR, groupby: 'g' }, /^groupby: .*did you mean groupBy/],
  [
    'a lookup of groups',
    (c, odd) => c.queryGroups({ query: NEAR, groupBy: 'g', withLookup: odd }),
    { collection: 'c', withpayload: false },
    /^withLookup\.withpayload: .*withPayload/,
  ],
  ['a page', (c, odd) => c.scrollPage(odd), { orderby: 'n' }, /^orderby: .*did you mean orderBy/],
  ['all points', (c, odd) => first(c.scroll(odd)), { withVectors: true }, /^withVectors: /],
  ['points by id', (c, odd) => c.retrieve([1], odd), { withvector: true }, /^withvector: .*did you mean withVector/],
  ['a count', (c, odd) => c.count(odd), { exactly: true }, /^exactly: .*one of filter, exact/],
  ['a facet', (c, odd) => c.facet(odd), { key: 'g', top: 3 }, /^top: /],
  ['a matrix', (c, odd) => c.searchMatrix(odd), { samples: 3 }, /^samples: .*did you mean sample\?/],
  ['info', (c, odd) => c.info(odd), { timeout: 3 }, /^timeout: /],
  ['a flush', (c, odd) => c.flush(odd), { timeout: 3 }, /^timeout: /],
  ['a snapshot', (c, odd) => c.snapshots.create(odd), { wait: true }, /^wait: /],
]

async function first(points: AsyncIterable<unknown>): Promise<unknown> {
  for await (const point of points) return point
  return null
}

/** Options inside of points, vectors and queries. */
const INNER: [what: string, attempt: Attempt, odd: unknown, names: RegExp][] = [
  [
    'a point',
    (c, odd) => c.upsert([{ id: 1, vector: [9, 9, 9], ...(odd as object) }]),
    { score: 1 },
    /^points\[0\]\.score: .*one of id, vector, payload/,
  ],
  [
    'a point',
    (c, odd) => c.upsert([{ id: 1, vector: [9, 9, 9], ...(odd as object) }]),
    { payloads: {} },
    /^points\[0\]\.payloads: .*did you mean payload\?/,
  ],
  [
    'columns',
    (c, odd) => c.upsert({ ids: [1], vectors: new Float32Array(3), ...(odd as object) }),
    { payload: [] },
    /^payload: .*did you mean payloads\?/,
  ],
  [
    'a vector',
    (c, odd) => c.updateVectors([{ id: 1, vector: [9, 9, 9], ...(odd as object) }]),
    { payload: {} },
    /^points\[0\]\.payload: .*one of id, vector$/,
  ],
  ['a selector', (c, odd) => c.delete(odd), { filter: { must: [] }, limit: 1 }, /^which\.limit: .*one of ids, filter/],
  ['a selector', (c, odd) => c.setPayload({ a: 1 }, odd), { points: [1] }, /^which\.points: .*one of ids, filter/],
  [
    'a selector of a batch',
    (c, odd) => c.batch([{ op: 'clearPayload', which: odd }]),
    { ids: [1], id: 1 },
    /^which\.id: .*ids\?/,
  ],
  [
    'a text',
    (c, odd) =>
      c.upsert([{ id: 1, vector: { '': [9, 9, 9], s: { text: 'a', model: 'qdrant/bm25', ...(odd as object) } } }]),
    { option: {} },
    /^points\[0\]\.vector\.s\.option: .*options\?/,
  ],
  [
    'its options',
    (c, odd) => c.upsert([{ id: 1, vector: { '': [9, 9, 9], s: { text: 'a', model: 'qdrant/bm25', options: odd } } }]),
    { avg_lens: 3 },
    /^points\[0\]\.vector\.s\.options\.avg_lens: .*avgLen\?/,
  ],
  [
    'a text of columns',
    (c, odd) => c.upsert({ ids: [1], vectors: { '': new Float32Array(3), s: [odd] } }),
    { text: 'a', model: 'qdrant/bm25', lang: 'en' },
    /^vectors\.s\[0\]\.lang: /,
  ],
  [
    'a text asked for',
    (c, odd) => c.query({ query: odd, using: 's' }),
    { text: 'a', model: 'qdrant/bm25', options: { stemmer: { kind: 'none', type: 'none' } } },
    /^query\.options\.stemmer\.kind: .*type/,
  ],
  [
    'a formula',
    FORMULA,
    { sum: ['$score', { div: { left: 1, right: 2, by_ZeroDefault: 0 } }] },
    /^query\.formula\.sum\[1\]\.div\.by_ZeroDefault: .*did you mean byZeroDefault\?/,
  ],
  [
    'a formula',
    FORMULA,
    { div: { left: 1, right: 2, byZeroDefault: 0, by_zero_default: 0 } },
    /^query\.formula\.div\.byZeroDefault: .*one spelling, got byZeroDefault and by_zero_default/,
  ],
  ['a formula', FORMULA, { neg: { exp_decay: { x: 1, mid: 3 } } }, /^query\.formula\.neg\.exp_decay\.mid: /],
  [
    'a formula',
    FORMULA,
    { pow: { base: { pow: { base: 1, exponent: 2, n: 3 } }, exponent: 1 } },
    /^query\.formula\.pow\.base\.pow\.n: /,
  ],
  [
    'a formula',
    FORMULA,
    { geo_distance: { origin: { lat: 1, lon: 2, lng: 2 }, to: 'g' } },
    /^query\.formula\.geo_distance\.origin\.lng: /,
  ],
]

/** Verbs that get no object where they need one. */
const NO_OBJECT: [verb: string, attempt: Attempt][] = [
  ['query', (c, odd) => c.query(odd)],
  ['explain', (c, odd) => c.explain(odd)],
  ['queryGroups', (c, odd) => c.queryGroups(odd)],
  ['facet', (c, odd) => c.facet(odd)],
  ['updateConfig', (c, odd) => c.updateConfig(odd)],
  ['queryBatch', (c, odd) => c.queryBatch([odd])],
  ['explainBatch', (c, odd) => c.explainBatch([odd])],
  ['batch', (c, odd) => c.batch([odd])],
  ['createVectorName', (c, odd) => c.createVectorName('v', odd)],
]
/** The same for verbs where undefined is allowed. */
const NO_OPTIONS: [verb: string, attempt: Attempt][] = [
  ['scrollPage', (c, odd) => c.scrollPage(odd)],
  ['scroll', (c, odd) => first(c.scroll(odd))],
  ['count', (c, odd) => c.count(odd)],
  ['searchMatrix', (c, odd) => c.searchMatrix(odd)],
  ['retrieve', (c, odd) => c.retrieve([1], odd)],
  ['upsert', UPSERT],
  ['setPayload', (c, odd) => c.setPayload({}, [1], odd)],
]

const NO_COLLECTION: [what: string, options: object, names: RegExp][] = [
  ['of bounds', { strictMode: { enabled: true } }, /^strictMode: .*one of vectors, sparseVectors/],
  ['of sparse vectors', { sparseVector: { s: {} } }, /^sparseVector: .*did you mean sparseVectors/],
  ['of a graph', { hnswConfig: { efconstruct: 9 } }, /^hnswConfig\.efconstruct: .*did you mean efConstruct/],
  ['of a graph, in the spelling of the wire', { hnsw_config: { ef: 9 } }, /^hnsw_config\.ef: .*efConstruct/],
  ['of optimizers', { optimizersConfig: { indexingThresholds: 1 } }, /^optimizersConfig\.indexingThresholds: /],
  ['of the log', { walConfig: { capacity: 1 } }, /^walConfig\.capacity: /],
  ['of the vector', { vectors: { ...VECTORS, ondisk: true } }, /^vectors\.ondisk: .*did you mean onDisk/],
  ['of a named vector', { vectors: { v: { ...VECTORS, hnswConfigs: {} } } }, /^vectors\.v\.hnswConfigs: .*hnswConfig/],
  [
    'of codes',
    { quantizationConfig: { scalar: { type: 'int8', alwaysram: true } } },
    /^quantizationConfig\.scalar\.alwaysram: .*alwaysRam\?/,
  ],
  [
    'of codes of a vector',
    { vectors: { v: { ...VECTORS, quantizationConfig: { binary: {}, scale: {} } } } },
    /^vectors\.v\.quantizationConfig\.scale: .*binary/,
  ],
  ['of a sparse vector', { sparseVectors: { s: { index: { ondisk: true } } } }, /^sparseVectors\.s\.index\.ondisk: /],
  [
    'twice',
    { hnswConfig: { efConstruct: 9, ef_construct: 9 } },
    /^hnswConfig\.ef_construct: .*efConstruct and ef_construct/,
  ],
]

function refusal(names: RegExp): object {
  return { code: 'INVALID_ARGUMENT', message: expect.stringMatching(names) }
}

describe.each(FACES)('unknown options of the %s', (face) => {
  let database: Database
  let collection: Collection
  let dispose: () => Promise<void>
  beforeAll(async () => {
    const opened = await openFace(face)
    database = opened.database
    dispose = opened.dispose
    collection = await database.createCollection('c', { vectors: VECTORS, sparseVectors: { s: {} } })
    await collection.upsert([{ id: 1, vector: NEAR, payload: { kept: true } }])
  })
  afterAll(() => dispose?.())

  it.each([...REFUSED, ...INNER])('%s', async (_what, attempt, odd, names) => {
    const error = await attempt(collection, odd as never).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(VicinalError)
    expect(error).toMatchObject(refusal(names))
    expect(await collection.retrieve([1], { withVector: true })).toEqual([
      { id: 1, payload: { kept: true }, vector: new Float32Array(NEAR) },
    ])
  })

  it.each(NO_OBJECT)('%s without an object', async (_verb, attempt) => {
    for (const odd of [undefined, null, 5, 'text', NEAR, new Float32Array(3)]) {
      await expect(attempt(collection, odd as never), String(odd)).rejects.toMatchObject(refusal(/expected an object/))
    }
  })

  it.each(NO_OPTIONS)('%s with options that are not an object', async (_verb, attempt) => {
    for (const odd of [null, 5, 'text', NEAR]) {
      await expect(attempt(collection, odd as never), String(odd)).rejects.toMatchObject(refusal(/expected an object/))
    }
  })

  it.each(NO_COLLECTION)('a collection: options %s', async (_what, options, names) => {
    const made = database.createCollection('d', { vectors: VECTORS, ...options } as CollectionOptions)
    await expect(made).rejects.toMatchObject(refusal(names))
    expect(await database.hasCollection('d')).toBe(false)
  })

  it('a change of a collection', async () => {
    const refused: [change: object, names: RegExp][] = [
      [{ strictMode: {} }, /^strictMode: .*strictModeConfig/],
      [{ strictModeConfig: { maxQueryLimits: 1 } }, /^strictModeConfig\.maxQueryLimits: .*maxQueryLimit\?/],
      [{ vectors: { '': { ondisk: true } } }, /^vectors\.\.ondisk: .*onDisk/],
      [{ vectors: { '': { size: 3 } } }, /^vectors\.\.size: /],
      [{ quantizationConfig: { turbo: { bit: 1 } } }, /^quantizationConfig\.turbo\.bit: .*bits\?/],
    ]
    for (const [change, names] of refused) {
      await expect(collection.updateConfig(change as ConfigChange)).rejects.toMatchObject(refusal(names))
    }
  })

  it('options of a database', async () => {
    const odd = { timeout: 5, replaces: false } as never
    const source = { location: 'file:///nowhere' }
    await expect(database.collections(odd)).rejects.toMatchObject(refusal(/^timeout: /))
    await expect(database.recover(source, odd)).rejects.toMatchObject(refusal(/^timeout: .*one of checksum/))
    await expect(database.recoverCollection('e', source, odd)).rejects.toMatchObject(refusal(/^timeout: /))
    await expect(database.updateQuotas({ maxDiskUsagePercents: 5 } as never)).rejects.toMatchObject(
      refusal(/^maxDiskUsagePercents: .*maxDiskUsagePercent\?/),
    )
  })

  it('those that only the service has', async () => {
    for (const name of ['stop', 'holder', 'defaultTimeoutMs']) {
      await expect(collection.count({ [name]: 5 })).rejects.toMatchObject(refusal(new RegExp(`^${name}: `)))
      await expect(collection.waitForIndex({ [name]: 5 } as never)).rejects.toMatchObject(
        refusal(new RegExp(`^${name}: .*one of signal, timeoutMs`)),
      )
    }
  })

  it('the spelling of the wire is understood too', async () => {
    const made = await database.createCollection('snake', {
      vectors: { snake_name: { ...VECTORS, hnsw_config: { ef_construct: 9 }, on_disk: true } },
      strict_mode_config: { max_query_limit: 7 },
      metadata: { snake_key: 1, camelKey: 2 },
    } as never)
    await made.updateConfig({ strict_mode_config: { max_timeout: 9 } } as never)
    await made.upsert([{ id: 1, vector: { snake_name: [1, 2, 3] } }], { update_mode: 'update_only' } as never)
    await made.batch([{ op: 'upsert', points: [{ id: 1, vector: {} }], update_mode: 'update_only' } as never])
    expect(await made.count({ timeoutMs: 1000 })).toBe(0)
    expect((await made.info()).config).toMatchObject({
      vectors: [{ name: 'snake_name', efConstruct: 9, memory: { vectors: 'cold' } }],
      strictModeConfig: { maxQueryLimit: 7, maxTimeout: 9 },
      metadata: { snake_key: 1, camelKey: 2 },
    })
  })

  it('the spelling of the wire is understood in queries too, and not both at once', async () => {
    const query = {
      query: { nearest: NEAR, mmr: { candidates_limit: 5 } },
      params: { hnsw_ef: 9, indexed_only: false },
    }
    const asked = { ...query, score_threshold: 1, with_payload: false, with_vectors: [''] }
    expect(await collection.query(asked as never)).toMatchObject([{ id: 1, vector: new Float32Array(NEAR) }])
    expect(await collection.queryBatch([asked as never])).toHaveLength(1)
    expect(await collection.scrollPage({ with_payload: false } as never)).toEqual({
      points: [{ id: 1 }],
      nextOffset: null,
    })
    const twice: [both: object, names: RegExp][] = [
      [{ scoreThreshold: 1, score_threshold: 1 }, /^score_threshold: .*scoreThreshold and score_threshold/],
      [{ params: { hnsw_ef: 9, hnswEf: 9 } }, /^params\.hnswEf: .*hnsw_ef and hnswEf/],
      [{ withVector: true, with_vectors: true }, /^with_vectors: .*withVector and with_vectors/],
    ]
    for (const [both, names] of twice)
      await expect(collection.query({ query: NEAR, ...both } as never)).rejects.toMatchObject(refusal(names))
    await expect(collection.query({ query: { order_by: 'n', orderBy: 'n' } } as never)).rejects.toMatchObject(
      refusal(/^query\.orderBy: .*order_by and orderBy/),
    )
  })

  it('treats a key whose value is undefined as absent', async () => {
    const absent = { scoreThreshold: undefined, top: undefined } as object
    expect(await collection.query({ query: NEAR, ...absent })).toHaveLength(1)
  })
})

it('a folder is opened with known options only', async () => {
  await expect(open(':memory:', { read_only: true } as never)).rejects.toMatchObject(
    refusal(/^read_only: .*did you mean readOnly/),
  )
})
