/** If as many threads read requests as there are cores, each thread keeps its short searches. */
import { afterEach, beforeAll, expect, test } from 'vitest'
import { MOST_READ_US, turnBudget } from '../../../src/core/turn-budget.js'
import type { SearchResult } from '../../../src/native/addon.js'
import { keepSearches } from '../../../src/native/process.js'
import type { Shard } from '../../../src/native/shard.js'
import { filledShard, idsOf, query } from './shard-data.js'

const DIM = 16
const open: Shard[] = []
beforeAll(keepSearches)
afterEach(async () => {
  await Promise.all(open.splice(0).map((shard) => shard.close()))
})

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function filled(count: number) {
  const { shard, data } = await filledShard(open, count, DIM)
  return { shard, rowOf: (row: number) => data.subarray(row * DIM, (row + 1) * DIM) }
}

type Rows = Awaited<ReturnType<typeof filled>>

/** On a busy machine a search may take long; the next ones then expect that and wait for shorter ones. */
async function eventually(isMet: () => Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < 20_000; turns++) {
    await nextTurn()
    if (await isMet()) return
  }
  expect.unreachable('it did not happen in any turn')
}

test('any number of short searches end before long ones that the pool has begun', async () => {
  const large = await filled(20_000)
  const small = await filled(300)
  await eventually(async () => {
    const found = small.shard.search(query(small.rowOf(0)))
    await found
    return !(found instanceof Promise)
  })
  // On a busy machine the pool may be through with most of them first; then they begin again.
  let early = 0
  for (let rounds = 0; rounds < 20 && early <= 30; rounds++) early = await earlyOf(large, small)
  // None of the searches on the pool ends early. After a delayed search the next ones are also expected to be long.
  expect(early).toBeGreaterThan(30)
})

/** How many of 300 short searches end before half of 300 long ones. */
async function earlyOf({ shard, rowOf }: Rows, small: Rows): Promise<number> {
  let pending = 300
  const long = Array.from({ length: pending }, async (_, row) => {
    const found = shard.search(query(rowOf(row), { exact: true, limit: 20_000 }))
    expect(found).toBeInstanceOf(Promise)
    await found
    pending--
  })
  // More than fit into one turn, and calls that arrive together.
  let early = 0
  for (let from = 0; from < 300; from += 10) {
    const rows = Array.from({ length: 10 }, (_, at) => from + at)
    const found = rows.map(async (row) => {
      turnBudget.noteArrival()
      const one = await small.shard.search(query(small.rowOf(row), { exact: true, limit: 1 }))
      if (pending > 150) early++
      return idsOf(one)[0]
    })
    expect(await Promise.all(found)).toEqual(rows)
  }
  await Promise.all(long)
  return early
}

test('each request has its own share of the turn, and all together a larger one', async () => {
  const { shard, rowOf } = await filled(300)
  const asked = () => shard.search(query(rowOf(5)))
  const isAtOnce = async (found: ReturnType<typeof asked>) => {
    const here = !(found instanceof Promise)
    expect(idsOf((await found) as SearchResult)[0]).toBe(5)
    return here
  }
  await eventually(async () => {
    turnBudget.noteArrival()
    turnBudget.spendOnRead(MOST_READ_US)
    turnBudget.noteArrival()
    return await isAtOnce(asked())
  })
  for (let times = 0; times < 20; times++) {
    await nextTurn()
    turnBudget.noteArrival()
    await asked()
    turnBudget.spendOnRead(MOST_READ_US)
    expect(await isAtOnce(asked())).toBe(false)
    await nextTurn()
    for (let arrival = 0; arrival < 5; arrival++) {
      turnBudget.noteArrival()
      turnBudget.spendOnRead(MOST_READ_US)
    }
    turnBudget.noteArrival()
    expect(await isAtOnce(asked())).toBe(false)
  }
})

test('the pool takes searches of a batch that would wait for many turns, and each gets its own answer', async () => {
  const { shard, rowOf } = await filled(300)
  await nextTurn()
  turnBudget.noteArrival()
  const rows = Array.from({ length: 300 }, (_, row) => row)
  const found = rows.map((row) => shard.search(query(rowOf(row), { exact: true, limit: 1 })))
  expect(found.filter((one) => one instanceof Promise).length).toBeGreaterThan(16)
  expect((await Promise.all(found)).map((one) => idsOf(one)[0])).toEqual(rows)
})

test('a search that finds no room in any turn still ends', async () => {
  const { shard, rowOf } = await filled(300)
  // Runs before everything that waits for the same turn.
  let isOver = false
  let turns = 0
  const spend = () => {
    turns++
    for (let arrival = 0; arrival < 5; arrival++) turnBudget.spendOnRead(MOST_READ_US)
    if (!isOver) setImmediate(spend)
  }
  await nextTurn()
  spend()
  const asked = [{}, { exact: true }].map((change) => shard.search(query(rowOf(5), change)))
  for (const found of asked) expect(found).toBeInstanceOf(Promise)
  for (const found of await Promise.all(asked)) expect(idsOf(found)[0]).toBe(5)
  isOver = true
  expect(turns).toBeGreaterThan(3)
})
