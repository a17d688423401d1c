import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.js'
import type { Point } from '../../src/core/point.js'
import type { Suite } from './database.contract.js'

const LARGE = 'x'.repeat(1024 * 1024)
const LARGE_BATCH = LIMITS.upsertBatchBytes / LARGE.length

const point = (id: number): Point => ({ id, vector: [id, 0, 0] })

/** Points with payloads of a mebibyte each. `asked` gets the id of each point that was asked for. */
async function* large(count: number, asked: number[] = []): AsyncGenerator<Point> {
  for (let id = 0; id < count; id++) {
    asked.push(id)
    yield { ...point(id), payload: { text: LARGE } }
  }
}

export function describeUpserts(suite: Suite): void {
  describe('upserts of any size', () => {
    it('tell how many points and writes they are', async () => {
      const collection = await suite.single()
      expect(await collection.upsert([point(1), point(2)])).toMatchObject({
        status: 'completed',
        points: 2,
        batches: 1,
      })
      const columns = { ids: [3, 4, 5], vectors: new Float32Array(9) }
      expect(await collection.upsert(columns)).toMatchObject({ points: 3, batches: 1 })
      expect(await collection.upsert([])).toMatchObject({ points: 0, batches: 1 })
      expect(await collection.count()).toBe(5)
    })

    it('take iterables and async iterables', async () => {
      const collection = await suite.single()
      expect(await collection.upsert(new Set([point(1), point(2)]))).toMatchObject({ points: 2, batches: 1 })
      const map = new Map([[3, point(3)]])
      expect(await collection.upsert(map.values())).toMatchObject({ points: 1, batches: 1 })
      async function* slowly() {
        for (const id of [4, 5, 6]) {
          await new Promise(setImmediate)
          yield point(id)
        }
      }
      expect(await collection.upsert(slowly())).toMatchObject({ points: 3, batches: 1, status: 'completed' })
      expect(await collection.upsert([].values())).toMatchObject({ points: 0, batches: 1 })
      expect(await collection.count()).toBe(6)
      const acknowledged = await collection.upsert(new Set([point(7)]), { wait: false, updateMode: 'insert_only' })
      expect(acknowledged.status).toBe('acknowledged')
    })

    it('ask for the next batch when the one before is written', async () => {
      const collection = await suite.single()
      const asked: number[] = []
      const written: number[] = []
      async function* watched() {
        for await (const one of large(2 * LARGE_BATCH + 4, asked)) {
          written.push(await collection.count())
          yield one
        }
      }
      const { points, batches } = await collection.upsert(watched())
      expect(points).toBe(2 * LARGE_BATCH + 4)
      expect(batches).toBeGreaterThan(2)
      // No more of them than one batch, and one point, were ever asked for ahead of the writes.
      for (const [id, count] of written.entries()) expect(id - count).toBeLessThanOrEqual(LARGE_BATCH + 1)
      expect(await collection.count()).toBe(points)
    })

    it('of more points than one write takes are several', async () => {
      const count = LIMITS.batchPoints + 5
      const collection = await suite.single()
      const many = Array.from({ length: count }, (_, id) => ({ id, vector: [id, 0, 0] }))
      expect(await collection.upsert(many)).toMatchObject({ points: count, batches: 2 })
      expect(await collection.count()).toBe(count)
      const ids = Uint32Array.from({ length: count }, (_, id) => id + 1)
      expect(await collection.upsert({ ids, vectors: new Float32Array(3 * count) })).toMatchObject({ batches: 2 })
      expect(await collection.count()).toBe(count + 1)
    })

    it('stop at the first batch that fails, and say which point it was', async () => {
      const collection = await suite.single()
      const last = 2 * LARGE_BATCH
      let isClosed = false
      async function* failing() {
        try {
          for await (const one of large(last)) yield one
          yield { id: last, vector: [1, 2] }
          for await (const one of large(2 * LARGE_BATCH)) yield one
        } finally {
          isClosed = true
        }
      }
      const error = await collection.upsert(failing()).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', details: { field: `points[${last}].vector` } })
      const { pointsWritten } = (error as { details: { pointsWritten: number } }).details
      expect(pointsWritten).toBe(await collection.count())
      expect(pointsWritten).toBeGreaterThan(0)
      expect(isClosed).toBe(true)
    })

    it('of which the source fails keep what was written', async () => {
      const collection = await suite.single()
      async function* broken() {
        yield* large(LARGE_BATCH + 2)
        throw new Error('the source is broken')
      }
      await expect(collection.upsert(broken())).rejects.toThrow('the source is broken')
      expect(await collection.count()).toBeGreaterThan(0)
    })

    it('end between two batches when their caller has enough', async () => {
      const collection = await suite.single()
      const enough = new AbortController()
      async function* endless() {
        for (let id = 0; ; id++) {
          if (id === LARGE_BATCH + 2) enough.abort()
          yield { ...point(id), payload: { text: LARGE } }
        }
      }
      const upsert = collection.upsert(endless(), { signal: enough.signal })
      await expect(upsert).rejects.toMatchObject({ code: 'CANCELLED' })
    })

    it('refuse what is no points', async () => {
      const collection = await suite.single()
      for (const odd of [null, undefined, 5, 'points', {}, new Float32Array(3), new Set([5])]) {
        await expect(collection.upsert(odd as never), String(odd)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
    })
  })
}
