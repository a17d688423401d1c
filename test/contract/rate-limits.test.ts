/** Rate limits of strict mode: the cost of reads and writes, and the refusal of an operation beyond them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.js'
import type { Collection } from '../../src/core/database.js'
import type { DatabaseUnderTest } from './database.contract.js'
import { FACES, openFace } from './faces.js'

const MOST = 100
const match = (key: string, value: number) => ({ key, match: { value } })
const TWO = { must: [match('n', 1), { nested: { key: 'list', filter: { should: [match('m', 2)] } } }] }
const sparse = (length: number) => ({
  indices: Array.from({ length }, (_, i) => i),
  values: Array.from({ length }, () => 1),
})
const Q = { query: [1, 0], using: 'dense' }
const M = { using: 'multi' }
const ids = (count: number) => Array.from({ length: count }, (_, i) => i)

type Costs = [what: string, cost: number, work: (collection: Collection) => Promise<unknown>][]

const READS: Costs = [
  ['a retrieve', 3, (c) => c.retrieve([1, 2, 99])],
  ['a scroll', 1, (c) => c.scrollPage()],
  ['a filtered scroll', 3, (c) => c.scrollPage({ filter: TWO })],
  ['a count', 3, (c) => c.count({ filter: TWO })],
  ['a facet', 3, (c) => c.facet({ key: 'n', filter: TWO })],
  ['a search', 1, (c) => c.query(Q)],
  ['a search by id', 1, (c) => c.query({ ...Q, query: 1 })],
  ['an explained search', 1, (c) => c.explain(Q)],
  ['a filtered search', 3, (c) => c.query({ ...Q, filter: TWO })],
  ['a query for all points', 3, (c) => c.query({ filter: TWO })],
  ['a search by a sparse vector', 2, (c) => c.query({ query: sparse(65), using: 'sparse' })],
  ['a search by the sparse vector of a point', 3, (c) => c.query({ query: 1, using: 'sparse' })],
  [
    'a search by a multivector',
    2,
    (c) =>
      c.query({
        ...M,
        query: [
          [1, 0],
          [0, 1],
        ],
      }),
  ],
  ['a search by the multivector of a point', 3, (c) => c.query({ ...M, query: 1 })],
  [
    'examples',
    5,
    (c) => c.query({ ...M, query: { recommend: { positive: [1], negative: [2], strategy: 'sum_scores' } } }),
  ],
  ['an average', 1, (c) => c.query({ ...Q, query: { recommend: { positive: [1, 2], negative: [3] } } })],
  [
    'prefetches',
    4,
    (c) => c.query({ query: { fusion: 'rrf' }, prefetch: [Q, { prefetch: { filter: TWO }, ...Q, filter: TWO }] }),
  ],
  ['groups', 1, (c) => c.queryGroups({ ...Q, groupBy: 'n' })],
  ['a batch', 7, (c) => c.queryBatch([Q, { ...Q, filter: TWO }, { ...M, query: 1 }])],
  ['a matrix', 12, (c) => c.searchMatrix({ using: 'dense', filter: { must: match('n', 1) } })],
]

const WRITES: Costs = [
  ['an upsert', 4, (c) => c.upsert(ids(4).map((id) => ({ id, vector: { dense: [1, id] } })))],
  ['an upsert of nothing', 1, (c) => c.upsert([])],
  ['vectors', 2, (c) => c.updateVectors(ids(2).map((id) => ({ id, vector: { dense: [1, id] } })))],
  ['a payload of points', 3, (c) => c.setPayload({ a: 1 }, [1, 2, 3])],
  ['a payload of a filter', 20, (c) => c.setPayload({ a: 1 }, { filter: { must: match('n', 1) } })],
  ['a deletion of none', 1, (c) => c.delete({ filter: { must: match('n', 99) } })],
  ['a deletion', 2, (c) => c.delete([98, 99])],
  [
    'a batch',
    5,
    (c) =>
      c.batch([
        { op: 'clearPayload', which: [1, 2] },
        { op: 'deleteVectors', names: ['multi'], which: { ids: [1, 2, 3] } },
      ]),
  ],
  ['a payload index', 1, (c) => c.createPayloadIndex('other', 'keyword')],
]

describe.each(FACES)('a rate limit of the %s', (face) => {
  let opened: DatabaseUnderTest
  let collection: Collection
  beforeEach(async () => {
    // Buckets refill with time, so time stands still.
    vi.spyOn(systemClock, 'monotonicMs').mockReturnValue(systemClock.monotonicMs())
    opened = await openFace(face, { retries: 0 })
    collection = await opened.database.createCollection('rates', {
      vectors: {
        dense: { size: 2, distance: 'Dot' },
        multi: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
      },
      sparseVectors: { sparse: {} },
    })
    const points = ids(20).map((id) => {
      const multi =
        id === 1
          ? [
              [1, 0],
              [0, 1],
              [1, 1],
            ]
          : [
              [1, 0],
              [0, 1],
            ]
      return { id, vector: { dense: [1, id], multi, sparse: sparse(150) }, payload: { n: 1 } }
    })
    await collection.upsert(points)
    await collection.createPayloadIndex('n', 'integer')
  })
  afterEach(() => {
    vi.restoreAllMocks()
    return opened.dispose()
  })

  const setTo = (limits: object) => collection.updateConfig({ strictModeConfig: { enabled: true, ...limits } })
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => expect.unreachable('nothing was refused'),
      (error: unknown) => error,
    )

  it.each([...READS.map((one) => ['Read', ...one] as const), ...WRITES.map((one) => ['Write', ...one] as const)])(
    '%s: %s costs %i',
    async (kind, _, cost, work) => {
      const limit = kind === 'Read' ? { readRateLimit: MOST } : { writeRateLimit: MOST }
      await setTo(limit)
      await work(collection)
      const tooMuch =
        kind === 'Read'
          ? () => collection.retrieve(ids(MOST))
          : () => collection.delete(ids(MOST).map((id) => id + MOST))
      const { message } = (await refusal(tooMuch())) as Error
      expect(message).toContain(`requires ${MOST} tokens but only ${MOST - cost}.0 were available`)
    },
  )

  it('is told with what is left, and when to come back', async () => {
    await setTo({ readRateLimit: 5, writeRateLimit: 5 })
    await collection.retrieve([1, 2, 3])
    await collection.delete([91, 92, 93])
    const refused = (kind: string) => ({
      code: 'OVERLOADED',
      status: 429,
      message: expect.stringMatching(
        new RegExp(
          `^${kind} rate limit exceeded: ` +
            String.raw`Operation requires 4 tokens but only 2\.0 were available\. Retry after 24s$`,
        ),
      ),
      retryAfterMs: expect.any(Number),
    })
    expect(await refusal(collection.retrieve([1, 2, 3, 4]))).toMatchObject(refused('Read'))
    expect(await refusal(collection.delete([91, 92, 93, 94]))).toMatchObject(refused('Write'))
  })

  it('refuses at once what costs more than a minute gives', async () => {
    await setTo({ readRateLimit: 5, writeRateLimit: 5 })
    const refused = (kind: string) => ({
      code: 'TOO_LARGE',
      status: 429,
      retryable: false,
      message: `${kind} rate limit exceeded, request larger than rate limiter capacity, please try to split your request`,
      retryAfterMs: undefined,
    })
    expect(await refusal(collection.queryBatch(ids(6).map(() => Q)))).toMatchObject(refused('Read'))
    expect(await refusal(collection.delete({ filter: { must: match('n', 1) } }))).toMatchObject(refused('Write'))
    expect(await collection.count()).toBe(20)
    await collection.delete(ids(5))
  })

  it('has a full bucket whenever strict mode is set', async () => {
    await setTo({ readRateLimit: 5 })
    await collection.retrieve(ids(5))
    await collection.updateConfig({ metadata: { a: 1 } })
    expect(await refusal(collection.retrieve(ids(5)))).toMatchObject({ code: 'OVERLOADED' })
    await setTo({ readRateLimit: 5 })
    await collection.retrieve(ids(5))
  })
})
