import { afterEach, describe, expect, test } from 'vitest'
import { ID_WORDS } from '../../../src/core/point.js'
import { Stop } from '../../../src/core/stop.js'
import { compileFilter } from '../../../src/filter/program.js'
import { Shard } from '../../../src/native/shard.js'
import {
  clusteredVectors,
  idsOf,
  PAYLOAD,
  payloadsOf,
  query,
  randomNumbers,
  recall,
  sequence,
  spec,
  texts,
} from './shard-data.js'

const DIM = 48
const open: Shard[] = []
function newShard(options = {}): Shard {
  const shard = new Shard(spec(DIM, options))
  open.push(shard)
  return shard
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((shard) => shard.close()))
})

async function recallOf(shard: Shard, queries: Float32Array, options = {}): Promise<number> {
  let sum = 0
  const count = queries.length / DIM
  for (let at = 0; at < count; at++) {
    const vector = queries.subarray(at * DIM, (at + 1) * DIM)
    const [found, exact] = await Promise.all([
      shard.search(query(vector, options)),
      shard.search(query(vector, { ...options, exact: true })),
    ])
    expect(found.count).toBe(exact.count)
    sum += recall(idsOf(found), idsOf(exact))
  }
  return sum / count
}

describe('search', () => {
  test("finds the same as a brute-force scan in JavaScript, in order, with scores in the metric's terms", async () => {
    const data = await clusteredVectors(800, DIM, 1)
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, at) => sum + x * (b[at] as number), 0)
    const scores = {
      cosine: dot,
      dot,
      l2: (a: Float32Array, b: Float32Array) =>
        Math.sqrt(a.reduce((sum, x, at) => sum + (x - (b[at] as number)) ** 2, 0)),
      l1: (a: Float32Array, b: Float32Array) => a.reduce((sum, x, at) => sum + Math.abs(x - (b[at] as number)), 0),
    } as const
    for (const metric of ['cosine', 'dot', 'l2', 'l1'] as const) {
      const shard = newShard({ vectors: [{ name: '', dim: DIM, metric, m: 16, efConstruct: 100 }] })
      await shard.upsert({ ids: sequence(0, 800), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
      const target = data.subarray(5 * DIM, 6 * DIM)
      const all = Array.from(
        { length: 800 },
        (_, at) => [scores[metric](target, data.subarray(at * DIM, (at + 1) * DIM)), at] as const,
      )
      const sign = metric === 'l2' || metric === 'l1' ? 1 : -1
      const expected = all.sort((a, b) => sign * (a[0] - b[0])).slice(0, 10)
      for (const exact of [true, false]) {
        const found = await shard.search(query(target, { exact, ef: 200 }))
        expect(idsOf(found)).toEqual(expected.map(([, id]) => id))
        for (let at = 0; at < 10; at++) expect(found.scores[at]).toBeCloseTo(expected[at]?.[0] as number, 3)
      }
    }
  })

  test('the recall of graph, of tail and of both together fits the width of the beam', async () => {
    const data = await clusteredVectors(12_000, DIM, 2)
    const queries = await clusteredVectors(100, DIM, 2)
    const shard = newShard()
    shard.setIndexing(false)
    const upsert = (from: number, to: number, seq: number) =>
      shard.upsert({
        ids: sequence(from, to - from),
        seq,
        vectors: [{ vector: 0, data: data.subarray(from * DIM, to * DIM), rows: null }],
        payloads: null,
      })
    await upsert(0, 9000, 1)
    expect(await recallOf(shard, queries)).toBe(1)
    expect((await shard.search(query(queries.subarray(0, DIM), { indexedOnly: true }))).count).toBe(0)
    shard.setIndexing(true)
    await shard.waitForIndex()
    shard.setIndexing(false)
    expect(shard.tailBytes()).toBe(0)
    await upsert(9000, 12_000, 2)
    expect(shard.tailBytes()).toBe(3000 * DIM * 4)
    expect(await recallOf(shard, queries)).toBeGreaterThan(0.97)
    shard.setIndexing(true)
    await shard.waitForIndex()
    expect(await recallOf(shard, queries)).toBeGreaterThan(0.97)
    expect(await shard.validate()).toEqual([])
  })

  test('after deleting 30 % and inserting as many, the recall is within 0.01 of a fresh build and nothing deleted is found', async () => {
    const count = 10_000
    const data = await clusteredVectors(count + 3000, DIM, 3)
    const queries = await clusteredVectors(150, DIM, 3)
    const order = Array.from({ length: count }, (_, at) => at)
    const random = randomNumbers(7)
    for (let at = count - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1))
      ;[order[at], order[other]] = [order[other] as number, order[at] as number]
    }
    const deleted = new Set(order.slice(0, 3000))
    const churned = newShard()
    await churned.upsert({
      ids: sequence(0, count),
      seq: 1,
      vectors: [{ vector: 0, data: data.slice(0, count * DIM), rows: null }],
      payloads: null,
    })
    await churned.waitForIndex()
    for (let at = 0; at < 30; at++) {
      const ids = new Uint32Array(100 * 5)
      for (let i = 0; i < 100; i++) ids[i * 5 + 1] = order[at * 100 + i] as number
      await churned.deletePoints(ids, 2 + at * 2)
      const from = count + at * 100
      await churned.upsert({
        ids: sequence(from, 100),
        seq: 3 + at * 2,
        vectors: [{ vector: 0, data: data.slice(from * DIM, (from + 100) * DIM), rows: null }],
        payloads: null,
      })
    }
    await churned.waitForIndex()
    expect(await churned.validate()).toEqual([])

    const fresh = newShard()
    const kept = Array.from({ length: count + 3000 }, (_, at) => at).filter((row) => !deleted.has(row))
    const keptData = new Float32Array(kept.length * DIM)
    kept.forEach((row, at) => {
      keptData.set(data.subarray(row * DIM, (row + 1) * DIM), at * DIM)
    })
    const ids = new Uint32Array(kept.length * 5)
    kept.forEach((row, at) => {
      ids[at * 5 + 1] = row
    })
    await fresh.upsert({ ids, seq: 1, vectors: [{ vector: 0, data: keptData, rows: null }], payloads: null })
    await fresh.waitForIndex()
    for (const ef of [16, 64]) {
      const [of, freshOf] = [await recallOf(churned, queries, { ef }), await recallOf(fresh, queries, { ef })]
      expect(of).toBeGreaterThan(freshOf - 0.01)
    }
    const everything = await churned.search(query(queries.subarray(0, DIM), { limit: 20_000, ef: 1 }))
    expect(idsOf(everything).some((id) => deleted.has(id as number))).toBe(false)
    expect(everything.count).toBeLessThanOrEqual(count)
  })

  test('a threshold, an offset and excluded ids apply to the whole answer', async () => {
    const data = await clusteredVectors(3000, DIM, 4)
    const shard = newShard()
    await shard.upsert({ ids: sequence(0, 3000), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
    await shard.waitForIndex()
    const target = data.subarray(0, DIM)
    const plain = await shard.search(query(target, { limit: 30, ef: 300 }))
    expect(idsOf(plain)[0]).toBe(0)
    const paged = await shard.search(query(target, { limit: 10, offset: 20, ef: 300 }))
    expect(idsOf(paged)).toEqual(idsOf(plain).slice(20))
    const without = await shard.search(query(target, { limit: 29, ef: 300, exclude: sequence(0, 1) }))
    expect(idsOf(without)).toEqual(idsOf(plain).slice(1))
    const threshold = plain.scores[7] as number
    const near = await shard.search(query(target, { limit: 30, ef: 300, scoreThreshold: threshold }))
    expect([...near.scores].every((score) => score >= Math.fround(threshold))).toBe(true)
    expect(near.count).toBe(plain.scores.filter((score) => score >= Math.fround(threshold)).length)
  })

  test('scores of overflowing vectors are finite numbers', async () => {
    const shard = newShard({ vectors: [{ name: '', dim: DIM, metric: 'dot', m: 16, efConstruct: 50 }] })
    const data = new Float32Array(64 * DIM)
    for (let at = 0; at < data.length; at++) data[at] = (at % 3) * (at % 2 ? 3e38 : -3e38)
    await shard.upsert({ ids: sequence(0, 64), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
    await shard.waitForIndex()
    const found = await shard.search(query(new Float32Array(DIM).fill(3e38)))
    expect(found.count).toBe(10)
    for (const score of found.scores) expect(score).not.toBeNaN()
  })

  test('an aborted search rejects with CANCELLED, before and while it runs', async () => {
    const data = await clusteredVectors(20_000, DIM, 5)
    const shard = newShard()
    shard.setIndexing(false)
    await shard.upsert({ ids: sequence(0, 20_000), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
    // While calls are pending, no later one may run within its call. There are enough that some are still pending.
    const earlier = Array.from({ length: 40 }, () => shard.search(query(data.subarray(0, DIM), { exact: true })))
    const aborted = new Stop()
    aborted.stop()
    await expect(shard.search(query(data.subarray(0, DIM), { exact: true }), aborted)).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    await Promise.all(earlier)
    const outcomes = await stopped((stop) => shard.search(query(data.subarray(0, DIM), { exact: true }), stop))
    expect(outcomes).toContain('CANCELLED')
    for (const outcome of outcomes) expect(['done', 'CANCELLED']).toContain(outcome)
  })

  /** The outcomes of calls that are stopped once they have begun. On a busy machine the pool may end some before. */
  async function stopped(start: (stop: Stop) => unknown): Promise<Set<string>> {
    const outcomes = Array.from({ length: 40 }, async () => {
      const stop = new Stop()
      const started = start(stop)
      stop.stop()
      return await Promise.resolve(started).then(
        () => 'done',
        (error: { code: string }) => error.code,
      )
    })
    return new Set(await Promise.all(outcomes))
  }

  test('so does the selection of ids by a filter', async () => {
    const shard = newShard()
    const data = await clusteredVectors(1_000, DIM, 5)
    await shard.upsert({ ids: sequence(0, 1_000), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
    expect((await shard.selectIds(null, new AbortController().signal)).length).toBe(1_000 * ID_WORDS)
    await expect(shard.selectIds(null, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('so does a retrieval of many points', async () => {
    const shard = newShard()
    const count = 20_000
    const data = await clusteredVectors(count, DIM, 3)
    const ids = sequence(0, count)
    await shard.upsert({ ids, seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads: null })
    const fields = { payload: false, vectors: Uint32Array.of(0) }
    const outcomes = await stopped((stop) => shard.retrieve(ids, fields, stop))
    expect(outcomes).toContain('CANCELLED')
    for (const outcome of outcomes) expect(['done', 'CANCELLED']).toContain(outcome)
    expect((await shard.retrieve(ids, fields, new Stop())).count).toBe(count)
  })
})

describe('filtered search', () => {
  const COUNT = 15_000

  async function filled(indexed: boolean) {
    const data = await clusteredVectors(COUNT, DIM, 6)
    const queries = await clusteredVectors(30, DIM, 6)
    const anchor = queries.subarray(0, DIM)
    // `far` holds for the tenth of the points that are farthest from the first query.
    const scores = Array.from({ length: COUNT }, (_, row) =>
      data.subarray(row * DIM, (row + 1) * DIM).reduce((sum, x, at) => sum + x * (anchor[at] as number), 0),
    )
    const limit = [...scores].sort((a, b) => a - b)[COUNT / 10] as number
    const payloads = texts(
      scores.map((score, row) => ({ n: (row * 7919) % 1000, far: score < limit, tag: `t${row % 3}` })),
    )
    const shard = newShard()
    if (indexed) {
      await shard.createPayloadIndex('n', 'integer')
      await shard.createPayloadIndex('far', 'bool')
    }
    await shard.upsert({ ids: sequence(0, COUNT), seq: 1, vectors: [{ vector: 0, data, rows: null }], payloads })
    await shard.waitForIndex()
    return { shard, queries }
  }

  for (const indexed of [true, false]) {
    test(`keeps its recall at every selectivity, ${indexed ? 'with' : 'without'} payload indexes`, async () => {
      const { shard, queries } = await filled(indexed)
      const strategies = new Set<string>()
      for (const least of [999, 990, 900, 750, 500, 100, 0]) {
        const filter = compileFilter({ must: [{ key: 'n', range: { gte: least } }] }, { vectorNames: [''] })
        expect(await recallOf(shard, queries, { filter })).toBeGreaterThan(0.95)
        const found = await shard.search(query(queries.subarray(0, DIM), { filter, fields: PAYLOAD }))
        for (const payload of payloadsOf(found)) expect((payload as { n: number }).n).toBeGreaterThanOrEqual(least)
        strategies.add(found.stats.strategy)
        expect(await shard.count(filter)).toBe((COUNT / 1000) * (1000 - least))
      }
      // With known matches, few are scanned and many are walked; between these the measured costs decide.
      if (!indexed) return
      const between = ['graph of matches', 'graph of matches, then scan of them']
      expect([...strategies].filter((each) => !between.includes(each)).sort()).toEqual([
        'filtered graph',
        'scan of matches',
      ])
    })

    test(`finds matches far from the query, ${indexed ? 'with' : 'without'} payload indexes`, async () => {
      const { shard, queries } = await filled(indexed)
      const filter = compileFilter({ must: [{ key: 'far', match: { value: true } }] }, { vectorNames: [''] })
      const anchor = queries.subarray(0, DIM)
      const found = await shard.search(query(anchor, { filter }))
      expect(found.count).toBe(10)
      expect(idsOf(found)).toEqual(idsOf(await shard.search(query(anchor, { filter, exact: true }))))
      expect(await recallOf(shard, queries, { filter })).toBeGreaterThan(0.95)
    })
  }

  test('a filter without matches, a filter by ids, and one by missing vectors', async () => {
    const { shard, queries } = await filled(true)
    const target = queries.subarray(0, DIM)
    const compile = (filter: Parameters<typeof compileFilter>[0]) => compileFilter(filter, { vectorNames: [''] })
    expect(
      (await shard.search(query(target, { filter: compile({ must: [{ key: 'n', match: { value: 5000 } }] }) }))).count,
    ).toBe(0)
    const ids = await shard.search(query(target, { filter: compile({ must: [{ hasId: [3, 77, 99_999] }] }) }))
    expect(new Set(idsOf(ids))).toEqual(new Set([3, 77]))
    expect(await shard.count(compile({ must: [{ hasVector: '' }] }))).toBe(COUNT)
    expect(await shard.count(compile({ mustNot: [{ hasVector: '' }] }))).toBe(0)
  })

  test('filters see a payload that is set later, indexed or not', async () => {
    const { shard, queries } = await filled(true)
    const filter = compileFilter({ must: [{ key: 'n', match: { value: 123_456 } }] }, { vectorNames: [''] })
    expect(await shard.count(filter)).toBe(0)
    await shard.setPayloads(sequence(10, 5), texts([1, 2, 3, 4, 5].map(() => ({ n: 123_456 }))), 2)
    expect(await shard.count(filter)).toBe(5)
    const found = await shard.search(query(queries.subarray(0, DIM), { filter }))
    expect(new Set(idsOf(found))).toEqual(new Set([10, 11, 12, 13, 14]))
    await shard.deletePoints(sequence(10, 2), 3)
    expect(await shard.count(filter)).toBe(3)
  })
})
