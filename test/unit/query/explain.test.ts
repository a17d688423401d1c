/** The kernel's report on each segment of a search, and its wording. */
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import type { QueryOptions } from '../../../src/core/database.js'
import type { QueryPlan } from '../../../src/core/query-plan.js'
import type { ResolvedVector } from '../../../src/core/schema.js'
import { Shard } from '../../../src/native/shard.js'
import { runQuery } from '../../../src/query/run.js'
import { clusteredVectors, payloadsOf, sequence, spec, texts } from '../native/shard-data.js'

const DIM = 64
const ROWS = 6000
const SCHEMA: ResolvedVector[] = [
  {
    name: '',
    size: DIM,
    distance: 'Cosine',
    m: 16,
    efConstruct: 120,
    memory: { vectors: 'cached', graph: 'cached', codes: 'cached' },
    quantization: 'auto',
    overrides: {},
  },
]

let data: Float32Array
let shard: Shard
let seq: number
beforeEach(async () => {
  data ??= await clusteredVectors(ROWS, DIM, 3)
  seq = 0
  shard = new Shard(spec(DIM, { trackChanges: false }))
  onTestFinished(() => shard.close())
})

async function add(first: number, count: number): Promise<void> {
  seq++
  const payloads = texts(Array.from({ length: count }, (_, i) => ({ at: first + i, half: (first + i) % 2 })))
  const vectors = [{ vector: 0, data: data.slice(first * DIM, (first + count) * DIM), rows: null }]
  await shard.upsert({ ids: sequence(first, count), seq, vectors, payloads })
}

async function explain(options: Omit<QueryOptions, 'query'> = {}): Promise<QueryPlan> {
  const query = data.slice(7 * DIM, 8 * DIM)
  const source = { name: 'a', shard, schema: SCHEMA }
  const scope = {
    source,
    catalog: () => expect.fail('no other'),
    call: undefined,
    explains: true,
    notes: null,
    mostBytes: undefined,
  }
  return (await runQuery({ ...options, query }, scope)).plan as QueryPlan
}

const below = (lt: number) => ({ must: [{ key: 'at', range: { lt } }] })

it('a walk: its effort, its promised recall, and its costs', async () => {
  await add(0, ROWS)
  await shard.waitForIndex()
  const plan = await explain({ recall: 0.9 })
  expect(plan.segments).toHaveLength(1)
  const [segment] = plan.segments
  expect(['sq8', 'rabitq4', 'rabitq1']).toContain(segment?.codes)
  expect(segment).toMatchObject({ strategy: 'graph', points: ROWS, estimatedMatches: null })
  expect(segment?.why).toMatch(/^a walk is expected to compute about \d+ distances, of 6,000 vectors$/)
  expect(segment?.effort?.width).toBeGreaterThanOrEqual(10)
  expect(segment?.effort?.reach).toBeGreaterThan(1)
  expect(segment?.expectedRecall).toBeGreaterThanOrEqual(0.9)
  expect(plan.verticesVisited).toBeGreaterThan(5)
  expect(plan.rescored).toBeGreaterThanOrEqual(10)
  expect(plan.distancesComputed).toBeGreaterThan(plan.rescored)
  expect(plan.distancesComputed).toBeLessThan(ROWS)
  expect(plan.bytesRead).toBeGreaterThan(plan.distancesComputed)
  expect(segment?.tookUs).toBeGreaterThan(0)
  expect(segment?.tookUs).toBeLessThanOrEqual(plan.tookUs)

  const more = await explain({ recall: 0.99 })
  expect(more.distancesComputed).toBeGreaterThan(plan.distancesComputed)
})

it('a requested width: no promised recall', async () => {
  await add(0, ROWS)
  await shard.waitForIndex()
  const { segments } = await explain({ params: { hnswEf: 123 } })
  expect(segments[0]).toMatchObject({ effort: { width: 123, reach: null }, expectedRecall: null })
  // How many distances such a walk takes was not measured.
  expect(segments[0]?.why).toBe(
    'a walk of the fixed width 123 (`hnsw_ef`, or the limit where that is more), among 6,000 vectors',
  )
})

it('the reason for making no walk', async () => {
  shard.setIndexing(false)
  await add(0, ROWS)
  expect(await explain()).toMatchObject({ strategy: 'scan', why: 'no vector is in the graph yet', expectedRecall: 1 })
  shard.setIndexing(true)
  await shard.waitForIndex()
  expect(await explain({ params: { exact: true } })).toMatchObject({ why: 'an exact search was asked for' })
  expect(await explain({ recall: 1 })).toMatchObject({ strategy: 'scan', expectedRecall: 1 })
})

it('each segment by itself, and the tail that is scanned after a graph', async () => {
  await add(0, 3000)
  await shard.waitForIndex()
  shard.freeze()
  await add(3000, 2000)
  await shard.waitForIndex()
  shard.setIndexing(false)
  await add(5000, 1000)
  // At a higher recall a walk through 2,000 vectors costs about as much as a scan of their codes, depending on the
  // graph.
  const plan = await explain({ recall: 0.8 })
  expect(plan.segments.map(({ points }) => points)).toEqual([3000, 3000])
  expect(plan.segments[1]?.segment).toBeGreaterThan(plan.segments[0]?.segment as number)
  expect(plan.strategy).toBe('graph; graph+tail')
  expect(plan.segments[1]?.why).toMatch(/1,000 vectors that are not in the graph yet are scanned/)
  expect(plan.segments[1]?.distancesComputed).toBeGreaterThan(1000)
  expect(plan.segments[0]?.distancesComputed).toBeLessThan(1000)
})

it('filters: how many points match, and which plan costs less', async () => {
  await add(0, ROWS)
  await shard.createPayloadIndex('at', 'integer')
  await shard.createPayloadIndex('half', 'integer')
  await shard.waitForIndex()
  const few = await explain({ filter: below(30) })
  expect(few).toMatchObject({ strategy: 'scan of matches', estimatedMatches: 30, selectivity: 30 / ROWS })
  expect(few.why).toMatch(/^so few points match/)
  expect(few.segments[0]).toMatchObject({ effort: null, verticesVisited: 0 })
  expect(few.expectedRecall).toBe(1)
  const some = await explain({ filter: below(1200) })
  expect(some).toMatchObject({ estimatedMatches: 1200, selectivity: 1200 / ROWS })
  expect(some.why).toMatch(
    /^about 1,200 points match: a walk .* costs about [\d,]+ distances, a scan .* about [\d,]+ distances$/,
  )
  const half = await explain({ filter: { must: [{ key: 'half', match: { value: 1 } }] } })
  expect(half).toMatchObject({ estimatedMatches: ROWS / 2, selectivity: 0.5 })
  const isWalk = half.strategy.includes('graph')
  expect(half.segments[0]?.effort === null).toBe(!isWalk)
  expect(await explain({ filter: below(0) })).toMatchObject({
    strategy: 'nothing matches',
    why: 'no point of the segment passes the filter',
    estimatedMatches: 0,
    distancesComputed: 0,
  })
})

it('costs nothing unless requested', async () => {
  await add(0, 10)
  const request = {
    vector: 0,
    query: data.slice(0, DIM),
    limit: 1,
    offset: 0,
    ef: 0,
    recall: 0.9,
    exact: false,
    indexedOnly: false,
    scoreThreshold: null,
    filter: null,
    exclude: null,
    fields: { payload: true, vectors: new Uint32Array() },
  }
  const result = await shard.search(request)
  expect(result.segments).toBeUndefined()
  expect(payloadsOf(result)).toEqual([{ at: 0, half: 0 }])
  expect((await shard.search({ ...request, explain: true })).segments).toHaveLength(1)
})
