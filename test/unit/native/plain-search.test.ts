/** Searches with requests and results as arrays of numbers find the same as searches with named fields. */
import { afterEach, describe, expect, test } from 'vitest'
import { turnBudget } from '../../../src/core/turn-budget.js'
import { compileFilter } from '../../../src/filter/program.js'
import type { SearchRequest, SearchResult } from '../../../src/native/addon.js'
import { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, idsOf, NO_FIELDS, PAYLOAD, payloadsOf, query, sequence, spec, texts } from './shard-data.js'

const DIM = 24
const COUNT = 2000
const open: Shard[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((shard) => shard.close()))
})

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function filled() {
  const shard = new Shard(spec(DIM))
  open.push(shard)
  const data = await clusteredVectors(COUNT, DIM, 11)
  const payloads = texts(
    Array.from({ length: COUNT }, (_, n) => (n % 3 === 0 ? undefined : { n, text: 'ä€𝄞'.repeat(n % 40) })),
  )
  await shard.upsert({ ids: sequence(0, COUNT), seq: 7, vectors: [{ vector: 0, data, rows: null }], payloads })
  await shard.waitForIndex()
  return { shard, target: data.subarray(5 * DIM, 6 * DIM) }
}

/** An explained search: its request and result have named fields. */
async function byNames(shard: Shard, asked: ReturnType<typeof query>): Promise<SearchResult> {
  return await shard.search({ ...asked, explain: true })
}

const told = (found: SearchResult) => ({
  ids: idsOf(found),
  seqs: [...found.seqs],
  scores: [...found.scores],
  payloads: found.payloads && payloadsOf(found),
})

const filter = compileFilter({ must: [{ key: 'n', range: { lt: 900 } }] }, { vectorNames: [''] })
const SHAPES: [name: string, asked: Partial<SearchRequest>][] = [
  ['nothing but ids', {}],
  ['payloads', { fields: PAYLOAD }],
  ['a page', { limit: 7, offset: 30, fields: PAYLOAD }],
  ['a threshold', { scoreThreshold: 0.9, fields: PAYLOAD }],
  ['a threshold of 0', { scoreThreshold: 0 }],
  ['a threshold that none reaches', { scoreThreshold: 2, fields: PAYLOAD }],
  ['a filter', { filter, fields: PAYLOAD }],
  ['an exact search', { exact: true, limit: 50 }],
  ['a width', { ef: 200 }],
  ['the graph alone', { indexedOnly: true }],
  ['no results', { limit: 0, fields: PAYLOAD }],
  ['more than shares memory', { limit: 400, exact: true }],
  ['more than is copied', { limit: 1000, exact: true, fields: PAYLOAD }],
]

describe.each([
  ['here', false],
  ['on the pool', true],
])('plain searches %s', (_place, isLoaded) => {
  test.each(SHAPES)('with %s find the same as searches with named fields', async (_name, change) => {
    const { shard, target } = await filled()
    const asked = query(target, change)
    const expected = told(await byNames(shard, asked))
    await nextTurn()
    if (isLoaded) for (let arrival = 0; arrival < 2; arrival++) turnBudget.noteArrival()
    const found = shard.search(asked)
    if (isLoaded) expect(found).toBeInstanceOf(Promise)
    const result = await found
    expect(told(result)).toEqual(expected)
    expect(result.vectors).toEqual([])
    expect(result.stats.tookUs).toBeGreaterThan(0)
    if (change.limit === 0) return
    expect(result.stats.strategy).toMatch(/^[a-z ;]+$/)
    expect(result.stats.distances).toBeGreaterThan(0)
    await nextTurn()
    await nextTurn()
  })

  test('keep their results, whatever is found afterwards', async () => {
    const { shard, target } = await filled()
    const asked = (at: number) => query(target, { fields: PAYLOAD, limit: at % 60, offset: at, ef: 400 })
    const kept: SearchResult[] = []
    for (let at = 0; at < 300; at++) {
      if (isLoaded) for (let arrival = 0; arrival < 2; arrival++) turnBudget.noteArrival()
      kept.push(await shard.search(asked(at)))
      await nextTurn()
    }
    for (let at = 0; at < kept.length; at++) {
      expect(told(kept[at] as SearchResult)).toEqual(told(await byNames(shard, asked(at))))
      await nextTurn()
    }
  })
})

test('values out of bounds are refused with their names', async () => {
  const { shard, target } = await filled()
  const wrong: [change: Partial<SearchRequest>, field: string][] = [
    [{ limit: -1 }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ offset: 2 ** 33 }, 'offset'],
    [{ ef: Number.NaN }, 'ef'],
    [{ recall: 2 }, 'recall'],
    [{ vector: 1 }, 'vector'],
    [{ scoreThreshold: Number.NaN }, 'scoreThreshold'],
    [{ query: Float32Array.of(1) }, 'query'],
    [{ query: new Float32Array(DIM).fill(Number.NaN) }, 'query'],
    [{ query: [1] as never }, 'query'],
    [{ filter: 'all' as never }, 'filter'],
  ]
  for (const [change, field] of wrong) {
    await expect(shard.search(query(target, { fields: NO_FIELDS, ...change }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(new RegExp(`^${field}: expected`)),
    })
  }
})

test('searches of calls that arrive together go to the pool together, and each gets its own answer', async () => {
  const { shard } = await filled()
  await nextTurn()
  const data = await clusteredVectors(COUNT, DIM, 11)
  turnBudget.noteArrival()
  turnBudget.noteArrival()
  const rows = Array.from({ length: 60 }, (_, n) => n * 30)
  const started = rows.map((row) =>
    shard.search(query(data.subarray(row * DIM, (row + 1) * DIM), { exact: true, limit: 1 })),
  )
  for (const one of started) expect(one).toBeInstanceOf(Promise)
  expect((await Promise.all(started)).map((found) => idsOf(found)[0])).toEqual(rows)
})

test('once calls arrive one at a time again, searches run within their calls', async () => {
  const { shard, target } = await filled()
  turnBudget.noteArrival()
  turnBudget.noteArrival()
  await shard.search(query(target))
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  turnBudget.noteArrival()
  // On a busy machine one may be expected to take long, and the next ones not.
  let found: unknown
  do {
    found = shard.search(query(target))
    await found
    await nextTurn()
  } while (found instanceof Promise)
})

test('a shard that is closed in the turn of its searches answers them first', async () => {
  const { shard, target } = await filled()
  turnBudget.noteArrival()
  turnBudget.noteArrival()
  const started = Array.from({ length: 5 }, () => shard.search(query(target, { limit: 3 })))
  await shard.close()
  for (const found of await Promise.all(started)) expect(found.count).toBe(3)
})

test('detaching the memory of a result affects only that search', async () => {
  const { shard, target } = await filled()
  const found = await shard.search(query(target))
  const expected = told(found)
  structuredClone(found.ids.buffer, { transfer: [found.ids.buffer as ArrayBuffer] })
  await expect((async () => await shard.search(query(target)))()).rejects.toThrow()
  await nextTurn()
  expect(told(await shard.search(query(target)))).toEqual(expected)
})
