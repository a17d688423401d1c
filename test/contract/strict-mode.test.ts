/** Strict mode: each bound from both sides, in the library and over HTTP, and without effect if it is off. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { connect } from '../../src/client/index.js'
import { systemClock } from '../../src/core/clock.js'
import type { Collection, Database } from '../../src/core/database.js'
import type { StrictModeConfig } from '../../src/core/schema.js'
import { open } from '../../src/index.js'
import { createServer } from '../../src/server/app.js'
import { type Attempt, expectRefused } from './strict-refused.js'

const Q = { query: [1, 0], limit: 4 }
const match = (key: string, value: string | number | boolean = 'x') => ({ must: [{ key, match: { value } }] })
const points = (count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => ({ id: first + i, vector: [i, 1] }))
const columns = (count: number) => ({ ids: points(count).map(({ id }) => id), vectors: new Float32Array(2 * count) })

/** The collection has ten points, and indexes of `kw` (keyword) and `n` (integer). */
const BOUNDS: [
  what: keyof StrictModeConfig,
  config: StrictModeConfig,
  allowed: Attempt[],
  refused: Attempt[],
  message: RegExp,
][] = [
  [
    'maxQueryLimit',
    { maxQueryLimit: 4 },
    [(c) => c.query(Q), (c) => c.scrollPage({ limit: 4 }), (c) => c.query({ ...Q, query: 1 })],
    [
      (c) => c.query({ ...Q, limit: 5 }),
      (c) => c.query({ query: [1, 0] }),
      (c) => c.explain({ ...Q, limit: 5 }),
      (c) => c.queryBatch([Q, { ...Q, limit: 5 }]),
      (c) => c.explainBatch([Q, { ...Q, limit: 5 }]),
      (c) => c.explainGroups({ ...Q, groupBy: 'n', limit: 5 }),
      (c) => c.explainMatrix({ limit: 5 }),
      (c) => c.scrollPage({ limit: 5 }),
      (c) => c.scrollPage(),
    ],
    /^Bad request: Limit exceeded \d+ > 4 for "limit". Help: Reduce the "limit" parameter to or below 4\.$/,
  ],
  [
    'maxTimeout',
    { maxTimeout: 2 },
    [(c) => c.query({ ...Q, timeoutMs: 2_000 }), (c) => c.query(Q), (c) => c.upsert(points(1), { timeoutMs: 2_000 })],
    [
      (c) => c.query({ ...Q, timeoutMs: 3_000 }),
      (c) => c.queryBatch([Q], { timeoutMs: 3_000 }),
      (c) => c.count({ timeoutMs: 3_000 }),
      (c) => c.retrieve([1], { timeoutMs: 3_000 }),
      (c) => c.upsert(points(1), { timeoutMs: 3_000 }),
      (c) => c.batch([{ op: 'delete', which: [99] }], { timeoutMs: 3_000 }),
    ],
    /Limit exceeded 3 > 2 for "timeout"/,
  ],
  [
    'unindexedFilteringRetrieve',
    { unindexedFilteringRetrieve: false },
    [
      (c) => c.query({ ...Q, filter: match('kw') }),
      (c) => c.query({ ...Q, filter: { mustNot: [{ key: 'n', range: { lt: 3 } }, { hasId: [1] }] } }),
      (c) => c.count({ filter: match('n', 3) }),
      (c) => c.scrollPage({ filter: { should: [{ isEmpty: { key: 'n' } }] } }),
      (c) => c.delete({ filter: match('other') }),
    ],
    [
      (c) => c.query({ ...Q, filter: match('other') }),
      (c) => c.query({ ...Q, filter: match('kw', 7) }),
      (c) => c.query({ prefetch: Q, query: { formula: { sum: ['$score', { key: 'other', match: { value: 'x' } }] } } }),
      (c) => c.query({ ...Q, filter: { must: [match('kw'), { should: [match('other')] }] } }),
      (c) => c.query({ ...Q, filter: { must: [{ nested: { key: 'kw', filter: match('other') } }] } }),
      (c) => c.count({ filter: { must: [{ key: 'n', range: { gt: '2024-01-01T00:00:00Z' } }] } }),
      (c) => c.scrollPage({ filter: match('other', true) }),
    ],
    /Index required but not found for "(other|kw|kw\.other|n)" of one of the following types: \[[a-z, ]+\]. Help/,
  ],
  [
    'unindexedFilteringUpdate',
    { unindexedFilteringUpdate: false },
    [
      (c) => c.delete({ filter: match('kw', 'none') }),
      (c) => c.delete([99]),
      (c) => c.query({ ...Q, filter: match('other') }),
      (c) => c.upsert(points(1), { updateFilter: match('n', 1) }),
    ],
    [
      (c) => c.delete({ filter: match('other') }),
      (c) => c.setPayload({ a: 1 }, { filter: match('other') }),
      (c) => c.deleteVectors([''], { filter: match('other') }),
      (c) => c.batch([{ op: 'clearPayload', which: { filter: match('other') } }]),
      (c) => c.upsert(points(1), { updateFilter: match('other') }),
      (c) => c.updateVectors(points(1), { updateFilter: match('other') }),
    ],
    /Index required but not found for "other"/,
  ],
  [
    'searchMaxHnswEf',
    { searchMaxHnswEf: 50 },
    [(c) => c.query({ ...Q, params: { hnswEf: 50 } }), (c) => c.query(Q)],
    [(c) => c.query({ ...Q, params: { hnswEf: 51 } })],
    /Limit exceeded 51 > 50 for "hnsw_ef"/,
  ],
  [
    'searchAllowExact',
    { searchAllowExact: false },
    [(c) => c.query({ ...Q, params: { exact: false } }), (c) => c.count({ exact: false })],
    [(c) => c.query({ ...Q, params: { exact: true } }), (c) => c.query({ ...Q, recall: 1 }), (c) => c.count()],
    /Exact search disabled!. Help: Set exact=false/,
  ],
  [
    'searchMaxOversampling',
    { searchMaxOversampling: 1.5 },
    [(c) => c.query({ ...Q, params: { quantization: { oversampling: 1.5 } } })],
    [(c) => c.query({ ...Q, params: { quantization: { oversampling: 1.6 } } })],
    /Limit exceeded 1\.6 > 1\.5 for "oversampling"/,
  ],
  [
    'upsertMaxBatchsize',
    { upsertMaxBatchsize: 3 },
    [(c) => c.upsert(points(3)), (c) => c.upsert(columns(3)), (c) => c.updateVectors(points(3))],
    [
      (c) => c.upsert(points(4)),
      (c) => c.upsert(columns(4)),
      (c) => c.updateVectors(points(4)),
      (c) => c.batch([{ op: 'upsert', points: points(4) }]),
    ],
    /Limit exceeded 4 > 3 for "(upsert|update) limit"/,
  ],
  [
    'searchMaxBatchsize',
    { searchMaxBatchsize: 2 },
    [(c) => c.queryBatch([Q, Q])],
    [(c) => c.queryBatch([Q, Q, Q]), (c) => c.explainBatch([Q, Q, Q])],
    /Limit exceeded 3 > 2 for "search batch size"/,
  ],
  [
    'maxCollectionVectorSizeBytes',
    { maxCollectionVectorSizeBytes: 81 },
    // Ten vectors of two numbers are 80 bytes; the present data counts.
    [(c) => c.upsert(points(1)), (c) => c.upsert(points(1, 50)).then(() => c.delete([50]))],
    [(c) => c.upsert(points(2, 50)).then(() => c.upsert(points(1))), (c) => c.updateVectors(points(1))],
    /Max vector storage size limit of .*MB reached!/,
  ],
  [
    'maxPointsCount',
    { maxPointsCount: 11 },
    [(c) => c.upsert(points(1, 50))],
    [(c) => c.upsert(points(1, 51)), (c) => c.upsert(points(1))],
    /Max points count limit of 11 reached!/,
  ],
  [
    'filterMaxConditions',
    { filterMaxConditions: 2 },
    [(c) => c.query({ ...Q, filter: { must: [match('a'), match('b')] } })],
    [
      (c) => c.query({ ...Q, filter: { must: [match('a'), match('b')], mustNot: match('c') } }),
      (c) => c.delete({ filter: { should: ['a', 'b', 'c'].map((key) => match(key)) } }),
    ],
    /Filter condition limit reached \(3 > 2\)/,
  ],
  [
    'conditionMaxSize',
    { conditionMaxSize: 2 },
    [
      (c) => c.query({ ...Q, filter: { must: [{ key: 'a', match: { any: ['x', 'y'] } }] } }),
      (c) => c.count({ filter: { must: [{ hasId: [1, 2] }] } }),
    ],
    [
      (c) => c.query({ ...Q, filter: { must: [{ key: 'a', match: { any: ['x', 'y', 'z'] } }] } }),
      (c) => c.count({ filter: { must: [{ hasId: [1, 2, 3] }] } }),
      (c) => c.delete({ filter: { must: [{ key: 'a', match: { except: [1, 2, 3] } }] } }),
    ],
    /Condition size limit reached \(3 > 2\)/,
  ],
  [
    'maxPayloadIndexCount',
    { maxPayloadIndexCount: 3 },
    [(c) => c.createPayloadIndex('third', 'float'), (c) => c.createPayloadIndex('kw', 'keyword')],
    [(c) => c.createPayloadIndex('fourth', 'float')],
    /maximum number of payload indices \(3\)/,
  ],
  ['maxResidentMemoryPercent', { maxResidentMemoryPercent: 100 }, [(c) => c.upsert(points(1))], [], /never/],
]

describe.each(['library', 'service'])('strict mode of the %s', (face) => {
  let database: Database
  let made = 0
  const ends: (() => Promise<void>)[] = []
  beforeAll(async () => {
    const embedded = await open(':memory:')
    ends.push(() => embedded.close())
    database = embedded
    if (face === 'library') return
    const server = createServer({ database: embedded, port: 0, logLevel: 'silent' })
    database = await connect(await server.listen(), { retries: 0 })
    ends.push(
      () => server.close(),
      () => database.close(),
    )
  })
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  async function filled(): Promise<Collection> {
    const collection = await database.createCollection(`strict-${made++}`, { vectors: { size: 2, distance: 'Dot' } })
    const rows = points(10).map((point) => ({ ...point, payload: { kw: 'x', n: point.id, other: 'y' } }))
    await collection.upsert(rows)
    await collection.createPayloadIndex('kw', 'keyword')
    await collection.createPayloadIndex('n', 'integer')
    return collection
  }
  const codeOf = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'done',
      (error: { code: string }) => error.code,
    )

  it.each(BOUNDS)('enforces %s if it is enabled', async (what, config, allowed, refused, message) => {
    const collection = await filled()
    await collection.updateConfig({ strictModeConfig: { ...config, enabled: true } })
    for (const [i, attempt] of allowed.entries()) expect(await codeOf(attempt(collection)), `allowed ${i}`).toBe('done')
    await expectRefused(
      collection,
      what,
      refused.map((attempt) => [attempt, message]),
    )
    await collection.updateConfig({ strictModeConfig: { enabled: false } })
    for (const attempt of refused) expect(await codeOf(attempt(collection)), 'where it is off').toBe('done')
  })

  it('enforces maxCollectionPayloadSizeBytes', async () => {
    const collection = await filled()
    await collection.upsert([{ id: 1, vector: [1, 1], payload: { text: 'x'.repeat(300_000) } }])
    const setTo = (bytes: number) =>
      collection.updateConfig({ strictModeConfig: { enabled: true, maxCollectionPayloadSizeBytes: bytes } })
    await setTo(100_000_000)
    await collection.setPayload({ a: 1 }, [1])
    await setTo(100_000)
    const refused = {
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/Max payload storage size limit of .*MB reached/),
    }
    await expect(collection.setPayload({ a: 1 }, [1])).rejects.toMatchObject(refused)
    await expect(collection.upsert(points(1))).rejects.toMatchObject(refused)
    await collection.delete([1])
  })

  it('counts payloads as soon as they are written', async () => {
    const collection = await filled()
    await collection.updateConfig({ strictModeConfig: { enabled: true, maxCollectionPayloadSizeBytes: 20_000 } })
    const write = async (id: number) =>
      await codeOf(collection.upsert([{ id, vector: [1, 1], payload: { text: 'x'.repeat(1_000) } }]))
    let written = 0
    while (written < 300 && (await write(100 + written)) === 'done') written++
    expect(written).toBeGreaterThan(10)
    expect(written).toBeLessThan(22)
  })

  it('enforces maxResidentMemoryPercent', async () => {
    const collection = await filled()
    await collection.updateConfig({ strictModeConfig: { enabled: true, maxResidentMemoryPercent: 1 } })
    const outcome = await collection.upsert(points(1)).then(
      () => null,
      (error: Error) => error.message,
    )
    const { totalmem } = await import('node:os')
    // On a machine with much memory this process may use less than one percent.
    if (process.memoryUsage.rss() > totalmem() / 50) expect(outcome).toMatch(/Max resident memory limit of 1% reached/)
  })

  it.each(['readRateLimit', 'writeRateLimit'] as const)('holds %s, and says when to come back', async (field) => {
    const collection = await filled()
    // The bucket refills with time, so time stands still.
    const clock = vi.spyOn(systemClock, 'monotonicMs').mockReturnValue(systemClock.monotonicMs())
    onTestFinished(() => clock.mockRestore())
    await collection.updateConfig({ strictModeConfig: { enabled: true, [field]: 5 } })
    const one = field === 'readRateLimit' ? () => collection.query(Q) : () => collection.upsert(points(1))
    const other = field === 'readRateLimit' ? () => collection.upsert(points(1)) : () => collection.query(Q)
    for (let i = 0; i < 5; i++) await one()
    const refused = await one().catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'OVERLOADED', status: 429, details: { field: `strictModeConfig.${field}` } })
    expect(refused).toMatchObject({ retryAfterMs: 12_000 })
    for (let i = 0; i < 10; i++) await other()
  })

  it('a request refused for its content costs nothing', async () => {
    const collection = await filled()
    await collection.updateConfig({ strictModeConfig: { enabled: true, readRateLimit: 1, writeRateLimit: 2 } })
    const wrong: ((c: Collection) => Promise<unknown>)[] = [
      (c) => c.upsert({ ids: [1, 2], vectors: new Float32Array(3) }),
      (c) => c.upsert([{ id: 1, vector: [1, 2, 3] }]),
      (c) => c.upsert([{ id: 1, vector: { nowhere: [1, 2] } }]),
      (c) => c.updateVectors([{ id: 1, vector: [1] }]),
      (c) => c.deleteVectors(['nowhere'], [1]),
      (c) => c.setPayload({}, [1], { key: 'a[' }),
      (c) =>
        c.batch([
          { op: 'clearPayload', which: [1] },
          { op: 'upsert', points: [{ id: 1, vector: [1] }] },
        ]),
      (c) => c.query({ query: [1, 2, 3] }),
      (c) => c.query({ query: [1, 2], using: 'nowhere', prefetch: Q }),
      (c) => c.queryBatch([{ query: [1, 2, 3] }]),
      (c) => c.queryGroups({ ...Q, groupBy: '' }),
      (c) => c.scrollPage({ withVector: ['nowhere'] }),
      (c) => c.facet({ key: 'other' }),
    ]
    for (const [i, attempt] of wrong.entries())
      expect(await codeOf(attempt(collection)), `wrong ${i}`).toBe('INVALID_ARGUMENT')
    await collection.upsert(columns(2))
    await expect(collection.upsert(columns(2))).rejects.toMatchObject({ code: 'OVERLOADED' })
    await collection.query(Q)
    await expect(collection.query(Q)).rejects.toMatchObject({ code: 'OVERLOADED' })
  })

  it('a request that only the data shows to be wrong costs the work until then', async () => {
    const collection = await filled()
    await collection.updateConfig({ strictModeConfig: { enabled: true, readRateLimit: 1 } })
    const formula = { formula: { ln: { mult: [-1, { abs: '$score' }] } } }
    const attempt = () => codeOf(collection.query({ prefetch: Q, query: formula } as never))
    expect(await attempt()).toBe('INVALID_ARGUMENT')
    expect(await attempt()).toBe('OVERLOADED')
  })

  it('counts components at their stored width', async () => {
    const vectors = { size: 2, distance: 'Dot', datatype: 'float16' } as const
    const collection = await database.createCollection(`strict-${made++}`, { vectors })
    await collection.upsert(points(10))
    await collection.updateConfig({ strictModeConfig: { enabled: true, maxCollectionVectorSizeBytes: 41 } })
    await collection.upsert(points(1, 50))
    expect(await codeOf(collection.upsert(points(1, 51)))).toBe('INVALID_ARGUMENT')
  })

  it('enforces multivectorConfig', async () => {
    const vectors = { m: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } } } as const
    const collection = await database.createCollection(`strict-${made++}`, {
      vectors,
      strictModeConfig: {
        enabled: true,
        multivectorConfig: { m: { maxVectors: 2 } },
        maxCollectionVectorSizeBytes: 65,
      },
    })
    const rows = (count: number, as: (row: number[]) => unknown) => ({
      m: Array.from({ length: count }, (_, i) => as([i, 1])),
    })
    for (const as of [(row: number[]) => row, (row: number[]) => Float32Array.from(row)]) {
      const upsert = (count: number) => collection.upsert([{ id: 1, vector: rows(count, as) as never }])
      await upsert(2)
      await expect(upsert(3)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/Multivector 'm' has a limit of 2 vectors, but 3 were provided/),
      })
    }
    await collection.updateConfig({ strictModeConfig: { multivectorConfig: {} } })
    await collection.upsert([{ id: 2, vector: rows(9, (row) => row) as never }])
    const full = { message: expect.stringContaining('Max vector storage size limit') }
    await expect(collection.upsert([{ id: 3, vector: rows(1, (row) => row) as never }])).rejects.toMatchObject(full)
  })

  it('enforces sparseConfig for every form of points, and for texts too', async () => {
    const collection = await database.createCollection(`strict-${made++}`, {
      sparseVectors: { s: {} },
      strictModeConfig: { enabled: true, sparseConfig: { s: { maxLength: 2 } } },
    })
    const sparse = (count: number) => ({
      indices: Array.from({ length: count }, (_, i) => i),
      values: Array.from({ length: count }, () => 1),
    })
    const text = (count: number) => ({ text: ['red', 'blue', 'green'].slice(0, count).join(' '), model: 'qdrant/bm25' })
    for (const of of [sparse, text]) {
      await collection.upsert([{ id: 1, vector: { s: of(2) } }])
      await collection.upsert({ ids: [2, 3], vectors: { s: [of(1), of(2)] } })
      const writes = [
        () => collection.upsert([{ id: 1, vector: { s: of(3) } }]),
        () => collection.upsert({ ids: [2, 3], vectors: { s: [of(1), of(3)] } }),
        () => collection.updateVectors([{ id: 1, vector: { s: of(3) } }]),
      ]
      for (const write of writes) {
        await expect(write()).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringMatching(/Sparse vector 's' has a limit of 2 indices, but 3 were provided/),
        })
      }
    }
    expect(await collection.count()).toBe(3)
  })

  it('refuses a whole batch of writes for one of them', async () => {
    const collection = await filled()
    await collection.updateConfig({ strictModeConfig: { enabled: true, upsertMaxBatchsize: 3 } })
    const batch = [
      { op: 'delete', which: [1] },
      { op: 'upsert', points: points(4) },
    ] as const
    await expect(collection.batch(batch)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await collection.count()).toBe(10)
  })
})
