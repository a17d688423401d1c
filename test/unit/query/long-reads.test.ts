/** Reads as large as their limits allow: the event loop has its turns, and a stopped read goes no further. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { CallOptions, Collection, Hit } from '../../../src/core/database.js'
import { Stop } from '../../../src/core/stop.js'
import { open } from '../../../src/index.js'
import { atOnce, byId, distinctHits, distinctIds, encodedIds, listOf, sorted, Turns } from '../../../src/query/turns.js'
import { longestSlice } from '../cpu.js'

const POINTS = 65_536
const BATCH = 8_192
/** Of CPU between two turns of the event loop, the collector's included: in one piece, each of these reads takes 300 to 900. */
const MOST_CPU_MS = 180

const list = <T>(length: number, one: (at: number) => T) => Array.from({ length }, (_, at) => one(at))
describe('a read of as many points as there may be', () => {
  let points: Collection

  beforeAll(async () => {
    const database = await open(':memory:')
    points = await database.createCollection('a', { vectors: { size: 4, distance: 'Dot' } })
    await points.createPayloadIndex('u', 'keyword')
    for (let from = 0; from < POINTS; from += BATCH) {
      await points.upsert(
        list(BATCH, (i) => {
          const at = from + i
          const payload = { u: `value ${at}`, n: at, text: `some words of number ${at}, and some more`, list: [at, 1] }
          return { id: at, vector: [Math.sin(at), Math.cos(at), 1, 0], payload }
        }),
      )
    }
    return async () => await database.close()
  })

  const prefetch = [1, 2, 3].map((x) => ({ query: [x, 1, 0, 0], limit: POINTS, params: { exact: true } }))
  const withIds = { prefetch: [...prefetch, { limit: POINTS }], limit: POINTS }
  const reads: Record<string, (call?: CallOptions) => Promise<unknown>> = {
    'by ids': (call) =>
      points.retrieve(
        list(POINTS, (at) => at),
        { withVector: true, ...call },
      ),
    'in the order of ids': (call) => points.query({ limit: POINTS, withPayload: true, ...call }),
    'of a sample': (call) => points.query({ query: { sample: 'random' }, limit: POINTS, withPayload: true, ...call }),
    'fused by ranks': (call) => points.query({ ...withIds, query: { fusion: 'rrf' }, withPayload: true, ...call }),
    'fused by scores': (call) => points.query({ ...withIds, query: { fusion: 'dbsf' }, ...call }),
    'among what prefetches found': (call) => points.query({ ...withIds, query: [1, 0, 0, 0], ...call }),
    'by a formula': (call) => points.query({ ...withIds, query: { formula: { sum: ['$score', 'n'] } }, ...call }),
    'in groups': (call) =>
      points.queryGroups({
        query: [1, 0, 0, 0],
        groupBy: 'u',
        limit: POINTS,
        groupSize: 1,
        withPayload: true,
        ...call,
      }),
  }
  for (const [name, read] of Object.entries(reads)) {
    it(`gives others their turns, ${name}`, async () => {
      expect(await longestSlice(() => read())).toBeLessThan(MOST_CPU_MS)
    })
  }
})

describe('work in steps', () => {
  function* counting(count: number, seen: number[]) {
    for (let at = 0; at < count; at++) {
      const until = performance.now() + 0.5
      while (performance.now() < until);
      seen.push(at)
      yield
    }
    return seen.length
  }

  it('is over at once where it is short', () => {
    expect(new Turns().take(listOf(2, (at) => at))).toEqual([0, 1])
  })

  it('ends with the reason of its call once that was stopped', async () => {
    const call = new Stop()
    const seen: number[] = []
    const taken = new Turns(call).take(counting(1000, seen))
    call.stop(new Error('enough'))
    await expect(taken).rejects.toThrow('enough')
    expect(seen.length).toBeLessThan(20)
  })

  it('sorts as a list is sorted, and leaves equal elements as they were', () => {
    const all = list(5_000, (at) => ({ at, key: (at * 7_919) % 97 }))
    for (const count of [0, 1, 2, 511, 512, 513, 1_025, 3_000, 5_000]) {
      const some = all.slice(0, count)
      const byKey = (a: { key: number }, b: { key: number }) => a.key - b.key
      expect(atOnce(sorted(some, byKey)), `${count}`).toEqual([...some].sort(byKey))
    }
  })

  it('makes what its name says of short lists and of long ones', () => {
    const hits = (ids: number[], score: number): Hit[] => ids.map((id) => ({ id, version: 0, score }))
    expect(atOnce(listOf(3, (at) => at * 2))).toEqual([0, 2, 4])
    const distinct = atOnce(distinctHits([hits([1, 2], 1), hits([2, 3], 2)]))
    expect(distinct.map(({ id, score }) => [id, score])).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
    ])
    expect([...atOnce(byId(hits([5, 6], 4), (_, at) => at))]).toEqual([
      [5, 0],
      [6, 1],
    ])
    const ids = atOnce(encodedIds(200, (at) => at % 150))
    expect(atOnce(distinctIds(ids))).toEqual(ids.slice(0, 150 * 5))
    expect(() => atOnce(encodedIds(2, () => -1))).toThrow('ids[0]')
  })
})
