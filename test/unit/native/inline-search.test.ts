import { afterEach, describe, expect, test } from 'vitest'
import { ID_WORDS } from '../../../src/core/point.js'
import { Stop } from '../../../src/core/stop.js'
import { MOST_READ_US, turnBudget } from '../../../src/core/turn-budget.js'
import { compileFilter } from '../../../src/filter/program.js'
import type { FoundRows, SearchRequest, SearchResult, ShardHandle } from '../../../src/native/addon.js'
import { addon } from '../../../src/native/load.js'
import { resultOf } from '../../../src/native/plain-search.js'
import type { Shard } from '../../../src/native/shard.js'
import { clusteredVectors, filledShard, idsOf, query, sequence, spec } from './shard-data.js'

const DIM = 16
const open: Shard[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((shard) => shard.close()))
})

async function filled(count: number) {
  const { shard, data } = await filledShard(open, count, DIM)
  return { shard, target: data.subarray(0, DIM) }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A turn takes no more than a search on the pool, so this many end long before a test's limit. */
const MOST_TURNS = 20_000

/**
 * Repeats what a busy machine can prevent in any one turn of the event loop: there a search may take long, and the next
 * ones then expect that, until shorter ones have corrected the expectation.
 */
async function inSomeTurn<T>(attempt: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let turns = 0; turns < MOST_TURNS; turns++) {
    await nextTurn()
    const outcome = await attempt()
    if (outcome !== undefined) return outcome
  }
  throw new Error(`it did not happen in any of ${MOST_TURNS} turns`)
}

test('a short search runs within its call and finds the same as on the pool', async () => {
  const { shard, target } = await filled(300)
  const here = await withinItsCall(shard, target)
  // Beside a pending call the pool is the better place: both run concurrently there.
  const pending = shard.selectIds(null)
  const beside = shard.search(query(target))
  expect(beside).toBeInstanceOf(Promise)
  expect(idsOf(await beside)).toEqual(idsOf(here))
  expect((await pending).length).toBe(300 * ID_WORDS)
})

test('a search with a long expected time goes to the pool', async () => {
  const { shard, target } = await filled(20_000)
  await nextTurn()
  const exact = shard.search(query(target, { exact: true, limit: 20_000 }))
  expect(exact).toBeInstanceOf(Promise)
  expect((await exact).count).toBe(20_000)
})

test('a filtered search runs within its call after one with the same filter was short', async () => {
  const { shard, target } = await filled(300)
  const filter = compileFilter({ must: [{ hasId: [1, 2, 3, 250] }] }, { vectorNames: [''] })
  await nextTurn()
  const first = shard.search(query(target, { filter }))
  expect(first).toBeInstanceOf(Promise)
  const found = idsOf(await first)
  expect(found.toSorted()).toEqual([1, 2, 250, 3])
  expect(idsOf(await withinItsCall(shard, target, { filter }))).toEqual(found)
  const other = compileFilter({ must: [{ hasId: [4, 5] }] }, { vectorNames: [''] })
  await nextTurn()
  expect(shard.search(query(target, { filter: other }))).toBeInstanceOf(Promise)
})

/** A single search that waits for the next turn. */
function waiting(shard: Shard, asked: () => Float32Array): Promise<SearchResult> {
  for (let tries = 0; tries < 100_000; tries++) {
    const started = shard.search(query(asked()))
    if (started instanceof Promise) return started
  }
  throw new Error('a turn has room for any number of searches')
}

test('a single search without time in its turn waits for the next turn instead of a pool thread', async () => {
  const { shard, target } = await filled(300)
  // On a busy machine it may not fit into that turn either.
  await inSomeTurn(async () => {
    let isFound = false
    const waited = waiting(shard, () => target).then(() => {
      isFound = true
    })
    // Immediates run in the order of their requests.
    await nextTurn()
    const wasInTurn = isFound
    await waited
    return wasInTurn || undefined
  })
})

async function withinItsCall(shard: Shard, target: Float32Array, asked: Partial<SearchRequest> = {}) {
  return await inSomeTurn(async () => {
    const found = shard.search(query(target, asked))
    if (!(found instanceof Promise)) return found
    await found
    return undefined
  })
}

/**
 * Started with so little of the turn left that it is interrupted. A quick machine may end a search in its first slice;
 * then another turn tries again.
 */
async function interrupted(
  shard: Shard,
  target: Float32Array,
  scope?: Stop,
  asked: Partial<SearchRequest> = { ef: 300 },
) {
  return await inSomeTurn(() => {
    turnBudget.spendOnRead(MOST_READ_US - 15)
    const started = shard.search(query(target, asked), scope)
    return started instanceof Promise ? { found: started } : undefined
  })
}

test('an interrupted search resumes in the next turns and finds the same as another one', async () => {
  const { shard, target } = await filled(3000)
  await nextTurn()
  const pending = shard.selectIds(null)
  const whole = await shard.search(query(target, { ef: 300 }))
  await pending
  for (let times = 0; times < 20; times++) {
    await nextTurn()
    const found = await (await interrupted(shard, target)).found
    expect(idsOf(found)).toEqual(idsOf(whole))
    expect(found.stats.distances).toBe(whole.stats.distances)
  }
})

test('an interrupted filtered search resumes in the next turns and finds the same as another one', async () => {
  const { shard, target } = await filled(20_000)
  const filter = compileFilter({ mustNot: [{ hasId: [1, 2, 3] }] }, { vectorNames: [''] })
  for (const [ef, strategy] of [
    [130, 'filtered graph'],
    [2000, 'scan of matches'],
  ] as const) {
    await nextTurn()
    const whole = await shard.search(query(target, { ef, filter }))
    for (let times = 0; times < 50; times++) {
      await nextTurn()
      const found = await (await interrupted(shard, target, undefined, { ef, filter })).found
      expect(idsOf(found)).toEqual(idsOf(whole))
      expect(found.stats.distances).toBe(whole.stats.distances)
      expect(found.stats.strategy).toBe(strategy)
    }
  }
})

test('a search that is cancelled between two turns ends there, and the next one runs within its call', async () => {
  const { shard, target } = await filled(3000)
  await nextTurn()
  // On a busy machine a search is expected to take long; then it goes to the pool, where it may end before the stop.
  const error = await inSomeTurn(async () => {
    const scope = new Stop()
    const { found } = await interrupted(shard, target, scope)
    scope.stop()
    return await found.then(
      () => undefined,
      (error: unknown) => error,
    )
  })
  expect(error).toMatchObject({ code: 'CANCELLED' })
  await withinItsCall(shard, target)
})

describe('parked searches at the addon', () => {
  const kernel = addon()
  const SLICE_US = 15
  /**
   * For searches that begin in a slice of any length. Shorter searches wait for a slice that they fit into; longer ones
   * go to the pool.
   */
  const ON_POOL_US = { least: 150, most: 320 }
  const EFS = [12, 20, 35, 60, 90, 130, 200, 300, 400, 500, 650, 800, 1000, 1300, 1700, 2200, 3000]
  async function parked() {
    const shard = kernel.createShard(spec(DIM))
    const data = await clusteredVectors(3000, DIM, 1)
    await kernel.upsert(shard, {
      ids: sequence(0, 3000),
      seq: 1,
      vectors: [{ vector: 0, data, rows: null }],
      payloads: null,
    })
    await kernel.waitForIndex(shard)
    const request = await begunAnywhere(shard, data.subarray(0, DIM))
    await park(shard, request, SLICE_US)
    return { shard, request }
  }
  /** A search that takes this long on this machine. */
  const begunAnywhere = async (shard: ShardHandle, target: Float32Array) => {
    for (let tries = 0; tries < 50; tries++)
      for (const ef of EFS) {
        const request = query(target, { ef })
        const tookUs: number[] = []
        while (tookUs.length < 9) tookUs.push(await onPoolUs(shard, request))
        // The least of them: on a busy machine most are interrupted.
        const least = Math.min(...tookUs)
        if (least >= ON_POOL_US.least && least <= ON_POOL_US.most) return request
      }
    return expect.unreachable('no search takes as long')
  }
  const onPoolUs = async (shard: ShardHandle, request: SearchRequest) =>
    resultOf((await kernel.search(shard, request, 7, -1)) as FoundRows).stats.tookUs
  /** Repeats until the search is expected to be short enough. */
  const park = async (shard: ShardHandle, request: SearchRequest, sliceUs: number) => {
    await inSomeTurn(async () => {
      const begun = kernel.search(shard, request, 7, sliceUs)
      await begun
      return begun === undefined || undefined
    })
  }
  const slicesUntilDone = async (shard: ShardHandle, between = async (_slices: number) => {}) => {
    for (let slices = 1; slices < 1000; slices++) {
      const begun = kernel.resumeSearch(shard, 7, SLICE_US)
      if (begun) return { slices, found: resultOf(await begun) }
      await between(slices)
    }
    throw new Error('it never ends')
  }

  test('resume in slices, and end', async () => {
    const { shard, request } = await parked()
    await inSomeTurn(async () => {
      const { slices, found } = await slicesUntilDone(shard)
      expect(found.count).toBe(10)
      if (slices > 1) return true
      // One that something interrupted in its first slice has ended on the pool.
      await park(shard, request, SLICE_US)
      return undefined
    })
    await kernel.closeShard(shard)
  })

  test('end while points are deleted and others are added', async () => {
    const { shard } = await parked()
    await kernel.deletePoints(shard, sequence(5, 3), 2)
    const data = await clusteredVectors(10, DIM, 2)
    const vectors = [{ vector: 0, data, rows: null }]
    const { found } = await slicesUntilDone(shard, async (slices) => {
      if (slices === 1) await kernel.upsert(shard, { ids: sequence(3000, 10), seq: 3, vectors, payloads: null })
    })
    expect(found.count).toBe(10)
    await kernel.closeShard(shard)
  })

  test('find points written before them that were linked on their way', async () => {
    const { shard, request } = await parked()
    await slicesUntilDone(shard)
    const data = await clusteredVectors(10, DIM, 3)
    let slicesOfAll = 0
    for (let row = 0; row < 10; row++) {
      const vector = data.slice(row * DIM, (row + 1) * DIM)
      kernel.setIndexing(shard, false)
      const vectors = [{ vector: 0, data: vector, rows: null }]
      await kernel.upsert(shard, { ids: sequence(5000 + row, 1), seq: 2 + row, vectors, payloads: null })
      // Long enough to pass the place where the new point will be linked.
      await park(shard, { ...request, query: vector }, 5 * SLICE_US)
      kernel.setIndexing(shard, true)
      await kernel.waitForIndex(shard)
      const { slices, found } = await slicesUntilDone(shard)
      slicesOfAll += slices
      expect(idsOf(found)[0]).toBe(5000 + row)
    }
    // They had already begun; a search that has not begun goes to the pool if it finds no time.
    expect(slicesOfAll).toBeGreaterThan(10)
    await kernel.closeShard(shard)
  })

  test('disappear with their shard and do not send other searches to the pool', async () => {
    const { shard } = await parked()
    await kernel.closeShard(shard)
    expect(() => kernel.resumeSearch(shard, 7, SLICE_US)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    const other = await filled(300)
    await withinItsCall(other.shard, other.target)
  })

  test('continue on the pool if no turn has time for them, and keep their numbers', async () => {
    const { shard, request } = await parked()
    expect(() => kernel.resumeSearch(shard, 8, SLICE_US)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    const begun = kernel.resumeSearch(shard, 7, -1)
    expect(begun).toBeInstanceOf(Promise)
    const whole = await kernel.search(shard, request, 9, -1)
    expect(idsOf(resultOf((await begun) as FoundRows))).toEqual(idsOf(resultOf(whole as FoundRows)))
    await kernel.closeShard(shard)
  })
})

test('a shard can be closed whatever becomes of a waiting search', async () => {
  const { shard, target } = await filled(3000)
  await nextTurn()
  const scope = new Stop()
  const { found: stopped } = await interrupted(shard, target, scope)
  const closing = shard.close()
  scope.stop()
  // Unless the pool has found them before.
  const end = await stopped.then(
    () => 'found',
    (error) => error.code,
  )
  expect(['CANCELLED', 'found']).toContain(end)
  await closing
  await expect(shard.search(query(target))).rejects.toMatchObject({ code: 'CLOSED' })
})

test('beside a running write a short search runs within its call', async () => {
  const data = await clusteredVectors(1000, DIM, 2)
  const vectors = [{ vector: 0, data, rows: null }]
  // Each time with a new shard: rows that are not indexed yet make the next search longer.
  for (let tries = 0; tries < 50; tries++) {
    const { shard, target } = await filled(300)
    await withinItsCall(shard, target)
    await nextTurn()
    const written = shard.upsert({ ids: sequence(300, 1000), seq: 2, vectors, payloads: null })
    const found = shard.search(query(target))
    await Promise.all([written, found])
    await shard.close()
    if (!(found instanceof Promise)) return
  }
  expect.unreachable('beside writes each search went to the pool')
})

test('changes of the query array while a search waits have no effect', async () => {
  const { shard, target } = await filled(300)
  await nextTurn()
  let mine = Float32Array.from(target)
  const waited = waiting(shard, () => {
    mine = Float32Array.from(target)
    return mine
  })
  mine.fill(0)
  mine[0] = 1
  expect(idsOf(await waited)).toEqual(idsOf(await shard.search(query(target))))
})

test('of several searches without time in a turn, one waits and the pool takes the others', async () => {
  const { shard, target } = await filled(300)
  await nextTurn()
  const expected = idsOf(await shard.search(query(target)))
  const all = Array.from({ length: 2000 }, () => shard.search(query(target)))
  for (const found of all) expect(idsOf(await found)).toEqual(expected)
})

test('waiting searches are answered before the shard closes', async () => {
  const { shard, target } = await filled(300)
  await nextTurn()
  const waited = waiting(shard, () => target)
  const closing = shard.close()
  expect((await waited).count).toBeGreaterThan(0)
  await closing
})

test('awaiting short searches in an endless loop lets the event loop turn', async () => {
  const { shard, target } = await filled(300)
  let turns = 0
  let isDone = false
  const watch = () => {
    turns++
    if (!isDone) setImmediate(watch)
  }
  setImmediate(watch)
  let spentUs = 0
  let searches = 0
  while (spentUs < 20 * MOST_READ_US && searches < 100_000) {
    // One that something else has interrupted has had no more than its turn.
    spentUs += Math.min((await shard.search(query(target))).stats.tookUs, MOST_READ_US)
    searches++
  }
  isDone = true
  expect(turns).toBeGreaterThanOrEqual(10)
})

test('an invalid request rejects, whether the search would have run here or on the pool', async () => {
  const { shard } = await filled(10)
  await nextTurn()
  await expect(shard.search(query(Float32Array.of(1)))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
