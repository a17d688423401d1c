/** Answers under a memory limit whose rows are unexpectedly large. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VicinalError } from '../../../../src/core/errors.js'
import { type RoomHolder, withInner } from '../../../../src/core/inner-call.js'
import { Stop } from '../../../../src/core/stop.js'
import { type Rooms, readParts, withAnswerRoom } from '../../../../src/engine/memory/answer-room.js'
import { memoryBudget } from '../../../../src/engine/memory/memory-budget.js'
import { type Collection, type Database, open } from '../../../../src/index.js'
import { LoneHolder } from './room-holder.js'

const MIB = 1024 * 1024
const POINTS = 12
const TEXT = 'x'.repeat(MIB)

let database: Database
let collection: Collection

beforeAll(async () => {
  database = await open(':memory:', { memoryLimitBytes: 8192 * MIB })
  collection = await database.createCollection('large', {
    vectors: {
      dense: { size: 2, distance: 'Dot' },
      tokens: { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } },
    },
    sparseVectors: { words: {} },
  })
  for (let id = 0; id < POINTS; id++) {
    const vector = {
      dense: [id, 1],
      tokens: [
        [1, id],
        [id, 1],
      ],
      words: { indices: [1], values: [id + 1] },
    }
    await collection.upsert([{ id, vector, payload: { text: TEXT, kind: id % 3 } }])
  }
})
afterAll(() => database.close())
beforeAll(async () => {
  const lookedUp = await database.createCollection('looked up', { vectors: { size: 1, distance: 'Dot' } })
  for (let id = 0; id < 3; id++) await lookedUp.upsert([{ id, vector: [1], payload: { text: TEXT } }])
})

/** The room that the read holds while its caller has the answer. */
async function heldBy(read: (holder: RoomHolder) => Promise<unknown>): Promise<number> {
  const holder = new LoneHolder()
  await read(holder)
  const held = memoryBudget.reservedBytes
  holder.end()
  expect(memoryBudget.reservedBytes).toBe(0)
  return held
}

describe('an answer whose payloads are large', () => {
  const near = { query: [1, 0], using: 'dense', limit: 8 }
  const reads: Record<string, (more: object) => Promise<{ payload?: unknown }[]>> = {
    query: (more) => collection.query({ ...near, ...more }),
    'query of a sparse vector': (more) =>
      collection.query({ query: { indices: [1], values: [1] }, using: 'words', limit: 8, ...more }),
    'query of a multivector': (more) => collection.query({ query: [[1, 0]], using: 'tokens', limit: 8, ...more }),
    fusion: (more) =>
      collection.query({
        prefetch: [near, { query: { indices: [1], values: [1] }, using: 'words', limit: 8 }],
        query: { fusion: 'rrf' },
        limit: 8,
        ...more,
      }),
    explain: async (more) => (await collection.explain({ ...near, ...more })).hits,
    batch: async (more) => (await collection.queryBatch([near, { ...near, limit: 1 }], more)).flat(),
    'groups with what they look up': async (more) => {
      const query = { ...near, groupBy: 'kind', groupSize: 1, limit: 3, withPayload: false, withLookup: 'looked up' }
      const groups = await collection.queryGroups({ ...query, ...more })
      return groups.map(({ lookup }) => lookup as { payload?: unknown })
    },
    groups: async (more) =>
      (await collection.queryGroups({ ...near, groupBy: 'kind', groupSize: 3, limit: 3, ...more })).flatMap(
        ({ hits }) => hits,
      ),
    scroll: async (more) => (await collection.scrollPage({ limit: 8, ...more })).points,
    retrieve: (more) => collection.retrieve([0, 1, 2, 3, 4, 5, 6, 7], more),
  }
  it.each(Object.keys(reads))('%s reserves room for them as soon as their size is known', async (name) => {
    const read = reads[name] as (typeof reads)[string]
    const points = await read({})
    expect(memoryBudget.reservedBytes).toBe(0)
    expect(points.length).toBeGreaterThanOrEqual(name.includes('look up') ? 3 : 8)
    for (const { payload } of points) expect((payload as { text: string }).text === TEXT).toBe(true)
    const held = await heldBy((holder) => read(withInner({}, { holder })))
    expect(held).toBeGreaterThan(3 * points.length * TEXT.length)
    expect(held).toBeLessThan(4 * points.length * TEXT.length)
  })

  it('reserves room for vectors of points with any number of them', async () => {
    const many = await database.createCollection('many', {
      vectors: { tokens: { size: 128, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } } },
      sparseVectors: { words: {} },
    })
    const tokens = Array.from({ length: 1000 }, () => new Float32Array(128).fill(0.5))
    const indices = Uint32Array.from({ length: 65_536 }, (_, i) => i)
    const words = { indices, values: new Float32Array(indices.length).fill(1) }
    for (let id = 0; id < 4; id++) await many.upsert([{ id, vector: { tokens, words } }])
    for (const [name, bytes] of [
      ['tokens', 4 * 1000 * 128 * 4],
      ['words', 4 * 65_536 * 8],
    ] as const) {
      const read = (holder: object) => many.scrollPage({ limit: 4, withVector: [name], withPayload: false, ...holder })
      expect((await read({})).points).toHaveLength(4)
      expect(await heldBy((holder) => read(withInner({}, { holder })))).toBeGreaterThan(bytes)
    }
  })

  it('reserves room for vectors that are read on the way', async () => {
    const size = 16_384
    const on = { dense: { size, distance: 'Dot' as const } }
    const wide = await database.createCollection('wide', { vectors: on })
    const ids = Array.from({ length: 20 }, (_, id) => id)
    for (const id of ids) await wide.upsert([{ id, vector: { dense: new Float32Array(size).fill(id + 1) } }])
    const query = { using: 'dense', limit: 2, withPayload: false }
    const ways: Record<string, (more: object) => Promise<unknown[]>> = {
      mmr: (more) => wide.query({ ...query, query: { nearest: 3, mmr: { candidatesLimit: 19 } }, ...more }),
      examples: (more) =>
        wide.query({ ...query, query: { recommend: { positive: ids } }, ...more, limit: 1, prefetch: [] }),
      matrix: async (more) => (await wide.searchMatrix({ using: 'dense', sample: 20, limit: 2, ...more })).pairs,
    }
    for (const [name, way] of Object.entries(ways)) {
      const plain = await way({})
      const held = await heldBy((holder) => way(withInner({}, { holder })))
      expect([name, plain.length > 0 || name === 'examples', held > 3 * 19 * size * 4]).toEqual([name, true, true])
    }
  })

  it('reserves the size of its rows, whatever the limit was', async () => {
    const wide = (holder: object) => collection.scrollPage({ limit: 10_000, ...holder })
    const narrow = (holder: object) => collection.scrollPage({ limit: POINTS, ...holder })
    const held = await heldBy((holder) => wide(withInner({}, { holder })))
    expect(held).toBeGreaterThan(3 * POINTS * TEXT.length)
    expect(held).toBe(await heldBy((holder) => narrow(withInner({}, { holder }))))
    const small = (holder: object) => collection.query({ ...near, limit: 8, withPayload: false, ...holder })
    expect(await heldBy((holder) => small(withInner({}, { holder })))).toBe(0)
  })
})

describe('room for an answer', () => {
  it('is reserved for each part, and requested once however many parts want more', async () => {
    const wanted = [100, 30 * MIB, 200, 40 * MIB]
    const asked: Rooms[] = []
    const part = async (at: number, mostBytes: number) => {
      const details = { wantedBytes: wanted[at] }
      if (mostBytes < (wanted[at] as number)) throw new VicinalError('RESOURCE_EXHAUSTED', 'more', { details })
      return at
    }
    const read = (rooms: Rooms) => {
      asked.push(rooms)
      return readParts(rooms, part)
    }
    expect(await withAnswerRoom(4, {}, new Stop(), read)).toEqual([0, 1, 2, 3])
    const floor = 0.125 * MIB
    expect(asked).toEqual([
      [floor, floor, floor, floor],
      [floor, 30 * MIB, floor, 40 * MIB],
    ])
    const failing = (at: number, mostBytes: number) =>
      at === 2 ? Promise.reject(new Error('no')) : part(at, mostBytes)
    const failed = async () => await withAnswerRoom(4, {}, new Stop(), (rooms) => readParts(rooms, failing))
    await expect(failed()).rejects.toThrow('no')
  })

  const needs = (bytes: number, asked: Rooms[]) => (rooms: Rooms) => {
    asked.push(rooms)
    const details = { wantedBytes: bytes }
    if ((rooms[0] as number) < bytes) throw new VicinalError('RESOURCE_EXHAUSTED', 'more than it may', { details })
    return 'answer'
  }

  it('is what the read turns out to need, unless that can never be available', async () => {
    const asked: Rooms[] = []
    expect(await withAnswerRoom(1, {}, new Stop(), needs(20 * MIB, asked))).toBe('answer')
    expect(asked).toEqual([[0.5 * MIB], [20 * MIB]])
    const endless = async () => await withAnswerRoom(1, {}, new Stop(), needs(1e15, []))
    await expect(endless()).rejects.toMatchObject({ code: 'TOO_LARGE', message: expect.stringMatching(/limit of/) })
    expect(memoryBudget.reservedBytes).toBe(0)
  })

  it('is requested again as often as the rows have grown meanwhile', async () => {
    for (const call of [undefined, {}]) {
      for (const parts of [1, 100]) {
        const grown = [10 * MIB, 20 * MIB, 30 * MIB]
        const growing = async (rooms: Rooms) => {
          const wantedBytes = grown.shift()
          if (wantedBytes === undefined) return rooms[0]
          throw new VicinalError('RESOURCE_EXHAUSTED', 'more than it may', { details: { wantedBytes } })
        }
        expect(await withAnswerRoom(parts, call, new Stop(), growing)).toBe(30 * MIB)
        expect(memoryBudget.reservedBytes).toBe(0)
      }
    }
  })

  it('does not repeat a read that fails for another reason', async () => {
    for (const parts of [1, 100]) {
      let runs = 0
      const failing = async () => {
        runs++
        throw new VicinalError('TOO_LARGE', 'a filter of its own kind')
      }
      await expect(withAnswerRoom(parts, {}, new Stop(), failing)).rejects.toMatchObject({ code: 'TOO_LARGE' })
      expect(runs).toBe(1)
      expect(memoryBudget.reservedBytes).toBe(0)
    }
  })

  it('is waited for once the answer is the next to be sent', async () => {
    let itsTurn = () => {}
    const turn = new Promise<void>((resolve) => {
      itsTurn = resolve
    })
    const holder = new LoneHolder(() => turn)
    const asked: Rooms[] = []
    const answer = withAnswerRoom(1, withInner({}, { holder }), new Stop(), needs(20 * MIB, asked)) as Promise<string>
    await new Promise((resolve) => setImmediate(resolve))
    expect([asked.length, memoryBudget.reservedBytes]).toEqual([1, 0])
    itsTurn()
    expect(await answer).toBe('answer')
    expect(memoryBudget.reservedBytes).toBe(60 * MIB)
    holder.end()
  })

  it('replaces the room of the body, for one query or many', async () => {
    for (const parts of [1, 100]) {
      const held = async (bodyBytes: number): Promise<number[]> => {
        const reserved: number[] = []
        const read = (rooms: Rooms) => {
          reserved.push(memoryBudget.reservedBytes)
          return needs(20 * MIB, [])(rooms)
        }
        await heldBy(async (holder) => {
          if (bodyBytes > 0) holder.hold(await memoryBudget.reserve(bodyBytes))
          await withAnswerRoom(parts, withInner({}, { holder }), new Stop(), read)
          reserved.push(memoryBudget.reservedBytes)
        })
        return reserved
      }
      const [first, ...later] = await held(0)
      expect(later.at(-1)).toBeGreaterThanOrEqual(60 * MIB)
      // A read that may be small is tried while the body's room is held.
      expect(await held(2 * MIB)).toEqual([parts === 1 ? 2 * MIB : first, ...later])
    }
  })

  it('is enough for a batch of ordinary queries at the first attempt', async () => {
    const asked: Rooms[] = []
    const part = async (at: number) => at
    const read = (rooms: Rooms) => {
      asked.push(rooms)
      return readParts(rooms, part)
    }
    expect(await withAnswerRoom(100, {}, new Stop(), read)).toHaveLength(100)
    expect(asked).toHaveLength(1)
    expect(asked[0]?.[99]).toBe(16 * 1024)
    expect(memoryBudget.reservedBytes).toBe(0)
  })
})
