import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import type { Point } from '../../src/core/point.js'
import type { Suite } from './database.contract.js'

/** More values than a filter has that is read at once. */
const MANY = 5_000

/** What was passed at the call is stored or searched, though its caller changes it as soon as the call has returned. */
export function describeCallersValues(suite: Suite): void {
  const filled = async (): Promise<Collection> => {
    const collection = await suite.single()
    await collection.upsert([1, 2, 3].map((id) => ({ id, vector: [id, 0, 0], payload: { n: id } })))
    return collection
  }
  const stored = async (collection: Collection) => {
    const { points } = await collection.scrollPage({ withVector: true })
    return points.map(({ id, vector, payload }) => [id, Number((vector as Float32Array)[0]), payload])
  }

  describe("a caller's arrays and objects after the call", () => {
    it('are not what an upsert stores', async () => {
      const collection = await suite.single()
      const points = [
        { id: 1, vector: new Float32Array([1, 0, 0]), payload: { n: 1, list: [1] } },
        { id: 2, vector: [2, 0, 0], payload: { n: 2, list: [2] } },
      ]
      const written = collection.upsert(points)
      for (const point of points) {
        point.vector.fill(9)
        point.payload.n = 9
        point.payload.list.push(9)
        point.id = 9
      }
      points.length = 0
      expect(await written).toMatchObject({ points: 2 })
      const columns = {
        ids: new Uint32Array([3, 4]),
        vectors: new Float32Array([3, 0, 0, 4, 0, 0]),
        payloads: [{}, {}],
      }
      const inColumns = collection.upsert(columns)
      columns.ids.fill(9)
      columns.vectors.fill(9)
      Object.assign(columns.payloads[0] as object, { n: 9 })
      await inColumns
      expect(await stored(collection)).toEqual([
        [1, 1, { n: 1, list: [1] }],
        [2, 2, { n: 2, list: [2] }],
        [3, 3, {}],
        [4, 4, {}],
      ])
    })

    it('are not what an upsert of an iterable stores, that fills one buffer anew for each point', async () => {
      const collection = await suite.single()
      const vector = new Float32Array(3)
      const payload = { n: 0, of: { list: [0] } }
      function* points(): Generator<Point> {
        for (const id of [1, 2, 3]) {
          vector[0] = id
          payload.n = id
          payload.of.list[0] = id
          yield { id, vector, payload }
        }
      }
      await collection.upsert(points())
      const point = { id: 0, vector: [0, 0, 0] }
      async function* later(): AsyncGenerator<Point> {
        for (const id of [4, 5]) {
          point.id = id
          point.vector[0] = id
          yield point
        }
      }
      await collection.upsert(later())
      expect(await stored(collection)).toEqual([
        ...[1, 2, 3].map((id) => [id, id, { n: id, of: { list: [id] } }]),
        [4, 4, {}],
        [5, 5, {}],
      ])
    })

    it('are not what changes of points are made of', async () => {
      const collection = await filled()
      const vector = new Float32Array([5, 0, 0])
      const updated = [{ id: 1, vector }]
      const updates = collection.updateVectors(updated)
      vector.fill(9)
      await updates
      const patch = { tag: 'x' }
      const ids = [1, 2]
      const set = collection.setPayload(patch, ids)
      patch.tag = 'y'
      ids[0] = 3
      await set
      const filter = { must: [{ key: 'n', match: { value: 2 } }] }
      const deletion = collection.delete({ filter })
      filter.must.length = 0
      expect(await deletion).toMatchObject({ deleted: 1 })
      const keys = ['n']
      const operations = [
        { op: 'deletePayload' as const, keys, which: [3] },
        { op: 'upsert' as const, points: [{ id: 4, vector: new Float32Array([4, 0, 0]) }] },
      ]
      const batch = collection.batch(operations)
      keys[0] = 'tag'
      operations[1]?.points?.[0]?.vector.fill(9)
      operations.length = 0
      await batch
      expect(await stored(collection)).toEqual([
        [1, 5, { n: 1, tag: 'x' }],
        [3, 3, {}],
        [4, 4, {}],
      ])
    })

    it('are not what is searched', async () => {
      const collection = await filled()
      const query = new Float32Array([2, 0, 0])
      const any = Array.from({ length: MANY }, (_, n) => n + 2)
      const filter = { must: [{ key: 'n', match: { any } }] }
      const options = { query, filter, limit: 1, timeoutMs: LIMITS.timeoutMs }
      const found = [
        collection.query(options),
        collection.search(query, { filter, limit: 1 }),
        collection.queryBatch([options, options]).then(([hits = []]) => hits),
      ]
      const counted = collection.count({ filter })
      const page = collection.scrollPage({ filter })
      const pages = collection.scroll({ filter, limit: 1 })
      const ids = [1, 2]
      const retrieved = collection.retrieve(ids)
      query.fill(9)
      any.fill(1)
      ids.fill(3)
      options.limit = 3
      for (const hits of await Promise.all(found)) expect(hits).toMatchObject([{ id: 2, score: 0 }])
      expect(await counted).toBe(2)
      expect((await page).points).toHaveLength(2)
      const scrolled: unknown[] = []
      for await (const { id } of pages) scrolled.push(id)
      expect(scrolled).toEqual([2, 3])
      expect((await retrieved).map(({ id }) => id)).toEqual([1, 2])
    })

    it('are not what texts are read from', async () => {
      const name = `callers-texts-${Math.random().toString(36).slice(2)}`
      const collection = await suite.database.createCollection(name, {
        vectors: { dense: { size: 3, distance: 'Euclid' } },
        sparseVectors: { words: {} },
      })
      const dense = new Float32Array([1, 0, 0])
      const words = { text: 'apples', model: 'qdrant/bm25' }
      const payload = { n: 1 }
      const written = collection.upsert([{ id: 1, vector: { dense, words }, payload }])
      words.text = 'pears'
      dense.fill(9)
      payload.n = 9
      await written
      const hits = await collection.search(
        { text: 'apples', model: 'qdrant/bm25' },
        { using: 'words', withVector: ['dense'] },
      )
      expect(hits).toMatchObject([{ id: 1, payload: { n: 1 }, vector: { dense: new Float32Array([1, 0, 0]) } }])
    })
  })
}
