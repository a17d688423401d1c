import {
  Field,
  FixedSizeList,
  Float32,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import type { Collection, StoredPoint } from '../../src/core/database.js'
import type { Filter } from '../../src/core/filter.js'
import type { Suite } from './database.contract.js'

const UUID = '550e8400-e29b-41d4-a716-446655440000'
const MAX_ID = 18_446_744_073_709_551_615n
const ROWS = 3000

export function describeWrites(suite: Suite): void {
  describe('writes', () => {
    it('stores upserted points and finds them at once', async () => {
      const collection = await suite.single()
      const result = await collection.upsert([
        { id: 7, vector: [1, 2, 3], payload: { place: 'Oslo', n: [1, { a: null }] } },
      ])
      expect(result).toMatchObject({ status: 'completed' })
      expect(result.operationId).toBeGreaterThan(0)
      expect(await all(collection)).toEqual([
        { id: 7, payload: { place: 'Oslo', n: [1, { a: null }] }, vector: new Float32Array([1, 2, 3]) },
      ])
      expect(await collection.query({ query: [1, 2, 3] })).toMatchObject([{ id: 7, score: 0 }])
    })

    it('replaces the whole point on a second upsert', async () => {
      const collection = await suite.named()
      await collection.upsert([{ id: 1, vector: { text: [1, 0], image: [1, 1, 1] }, payload: { a: 1, b: 2 } }])
      await collection.upsert([{ id: 1, vector: { image: [2, 2, 2] }, payload: { c: 3 } }])
      expect(await all(collection)).toEqual([
        { id: 1, payload: { c: 3 }, vector: { image: new Float32Array([2, 2, 2]) } },
      ])
    })

    it('lets the last of a repeated id in one batch win', async () => {
      const collection = await suite.single()
      await collection.upsert([
        { id: 1, vector: [1, 1, 1], payload: { n: 1 } },
        { id: 2, vector: [2, 2, 2] },
        { id: 1, vector: [3, 3, 3], payload: { n: 3 } },
      ])
      expect(await all(collection)).toMatchObject([
        { id: 1, payload: { n: 3 } },
        { id: 2, payload: {} },
      ])
    })

    it('keeps every kind of id exactly, numbers before UUIDs', async () => {
      const collection = await suite.single()
      const ids = [UUID.toUpperCase(), MAX_ID, 9_007_199_254_740_993n, 0, 4_294_967_296]
      await collection.upsert(ids.map((id) => ({ id, vector: [1, 2, 3] })))
      const stored = await all(collection)
      expect(stored.map((point) => point.id)).toEqual([0, 4_294_967_296, 9_007_199_254_740_993n, MAX_ID, UUID])
      expect((await collection.retrieve([MAX_ID, UUID])).map((point) => point.id)).toEqual([MAX_ID, UUID])
    })

    it('keeps payloads exactly: 64-bit integers, odd keys, every kind of text', async () => {
      const collection = await suite.single()
      const payload = JSON.parse(
        '{"__proto__":{"polluted":true},"constructor":1,"":"empty","quo\\"te":"\\u0000\\n\\ud83d\\ude00","f":0.1,"e":1e300,"neg":-0.5}',
      ) as Record<string, unknown>
      payload.big = 9_007_199_254_740_993n
      await collection.upsert([{ id: 1, vector: [0, 0, 0], payload }])
      const [point] = await collection.retrieve([1])
      expect(Object.entries(point?.payload ?? {}).sort()).toEqual(Object.entries(payload).sort())
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    })

    it('stores unit vectors under Cosine, and a zero vector as it is', async () => {
      const collection = await suite.named()
      await collection.upsert([
        { id: 1, vector: { text: [3, 4] } },
        { id: 2, vector: { text: [0, 0] } },
      ])
      const vectors = (await all(collection)).map((point) => (point.vector as Record<string, Float32Array>).text)
      expect(vectors[0]?.[0]).toBeCloseTo(0.6, 6)
      expect(vectors[0]?.[1]).toBeCloseTo(0.8, 6)
      expect(vectors[1]).toEqual(new Float32Array([0, 0]))
    })

    it('upserts columns', async () => {
      const collection = await suite.named()
      const ids = BigUint64Array.from({ length: ROWS }, (_, i) => BigInt(i) + 1n)
      const text = Float32Array.from({ length: ROWS * 2 }, (_, i) => (i % 2 === 0 ? 1 : i / ROWS))
      const image = Float32Array.from({ length: ROWS * 3 }, (_, i) => i)
      const payloads = Array.from({ length: ROWS }, (_, i) => (i % 3 === 0 ? null : { row: i }))
      await collection.upsert({ ids, vectors: { text, image }, payloads })
      expect(await collection.count()).toBe(ROWS)
      const [second] = await collection.retrieve([2], { withVector: ['image'] })
      expect(second).toEqual({ id: 2, payload: { row: 1 }, vector: { image: new Float32Array([3, 4, 5]) } })
      expect(await collection.query({ query: [3, 4, 5], using: 'image', limit: 1 })).toMatchObject([
        { id: 2, score: 0 },
      ])
    })

    it('upserts columns of an unnamed vector, with ids of any kind', async () => {
      const collection = await suite.single()
      await collection.upsert({ ids: [5, UUID, MAX_ID], vectors: Float32Array.from({ length: 9 }, (_, i) => i) })
      await collection.upsert({ ids: new Uint32Array([6]), vectors: new Float32Array([9, 9, 9]) })
      expect((await all(collection)).map((point) => point.id)).toEqual([5, 6, MAX_ID, UUID])
    })

    it('upserts an Arrow table', async () => {
      const collection = await suite.single()
      await collection.upsert(arrowTable())
      expect(await all(collection)).toEqual([
        { id: 1, payload: { word: 'one' }, vector: new Float32Array([1, 2, 3]) },
        { id: 2, payload: { word: 'two' }, vector: new Float32Array([4, 5, 6]) },
      ])
    })

    it('acknowledges a write that does not wait', async () => {
      const collection = await suite.single()
      expect(await collection.upsert([{ id: 1, vector: [1, 2, 3] }], { wait: false })).toMatchObject({
        status: 'acknowledged',
      })
      await collection.upsert([{ id: 2, vector: [1, 2, 3] }])
      expect(await collection.count()).toBe(2)
    })

    it('updates and deletes single vectors, keeping the rest of the point', async () => {
      const collection = await suite.named()
      await collection.upsert([{ id: 1, vector: { text: [1, 0] }, payload: { keep: true } }])
      await collection.updateVectors([{ id: 1, vector: { image: [1, 2, 3] } }])
      expect(await all(collection)).toMatchObject([
        { payload: { keep: true }, vector: { text: new Float32Array([1, 0]), image: new Float32Array([1, 2, 3]) } },
      ])
      await collection.deleteVectors(['text'], [1])
      expect((await all(collection))[0]?.vector).toEqual({ image: new Float32Array([1, 2, 3]) })
      expect(await collection.query({ query: [1, 0], using: 'text' })).toEqual([])
    })

    it('joins vectors of one id that occurs several times: names merge, and for one name the last wins', async () => {
      const collection = await suite.named()
      await collection.upsert([1, 2].map((id) => ({ id, vector: { text: [0.6, 0.8] } })))
      const repeated = [
        { id: 2, vector: { text: [0, 1] } },
        { id: 1, vector: { image: [1, 2, 3] } },
        { id: 2, vector: { image: [4, 5, 6], text: [1, 0] } },
        { id: 1, vector: { text: [0, 1] } },
        { id: 2, vector: { image: [9, 9, 9] } },
      ]
      await collection.updateVectors(repeated)
      const expected = [
        { id: 1, vector: { text: new Float32Array([0, 1]), image: new Float32Array([1, 2, 3]) } },
        { id: 2, vector: { text: new Float32Array([1, 0]), image: new Float32Array([9, 9, 9]) } },
      ]
      expect(await all(collection)).toMatchObject(expected)
      await collection.upsert([1, 2].map((id) => ({ id, vector: { text: [0.6, 0.8] } })))
      await collection.batch([{ op: 'updateVectors', points: repeated }])
      expect(await all(collection)).toMatchObject(expected)
    })

    it('deletes by id and by filter, and ignores absent ids', async () => {
      const collection = await suite.single()
      await collection.upsert([1, 2, 3, 4].map((id) => ({ id, vector: [id, 0, 0], payload: { odd: id % 2 === 1 } })))
      expect(await collection.delete([1, 99, 1])).toMatchObject({ status: 'completed', deleted: 1 })
      const odd: Filter = { must: [{ key: 'odd', match: { value: true } }] }
      expect(await collection.delete({ filter: odd })).toMatchObject({ deleted: 1 })
      expect(await collection.delete({ filter: odd })).toMatchObject({ status: 'completed', deleted: 0 })
      expect((await all(collection)).map((point) => point.id)).toEqual([2, 4])
      expect(await collection.delete({ ids: [99] }, { wait: false })).not.toHaveProperty('deleted')
      expect(await collection.delete({ ids: [4] })).toMatchObject({ deleted: 1 })
      expect(await collection.query({ query: [4, 0, 0] })).toMatchObject([{ id: 2 }])
    })

    it('selects every point only on explicit request', async () => {
      const collection = await suite.single()
      await collection.upsert([1, 2, 3].map((id) => ({ id, vector: [id, 0, 0] })))
      const empty: Filter[] = [{}, { must: [] }, { must: [], should: null }, { must: [{ mustNot: [] }] }, { must: {} }]
      for (const filter of empty) {
        const refused = {
          code: 'INVALID_ARGUMENT',
          message: expect.stringMatching(/^which\.filter: .*\{ all: true \}/),
        }
        await expect(collection.delete({ filter })).rejects.toMatchObject(refused)
        await expect(collection.clearPayload({ filter })).rejects.toMatchObject(refused)
        await expect(collection.batch([{ op: 'delete', which: { filter } }])).rejects.toMatchObject(refused)
      }
      await expect(collection.delete({ all: 1 } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(collection.delete({ all: false } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(collection.delete({ ids: [1], all: true } as never)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      expect(await collection.count()).toBe(3)
      await collection.setPayload({ seen: true }, { all: true })
      const seen: Filter = { must: [{ key: 'seen', match: { value: true } }] }
      expect(await collection.count({ filter: seen })).toBe(3)
      expect(await collection.delete({ filter: { must: [{ hasId: [2] }] }, all: true })).toMatchObject({ deleted: 1 })
      expect(await collection.delete({ filter: {}, all: true })).toMatchObject({ deleted: 2 })
    })

    it('sets, overwrites, deletes and clears payloads', async () => {
      const collection = await suite.single()
      await collection.upsert([1, 2].map((id) => ({ id, vector: [0, 0, 0], payload: { a: 1, deep: { x: 1 } } })))
      await collection.setPayload({ b: 2 }, [1])
      expect(await payloads(collection)).toEqual([
        { a: 1, deep: { x: 1 }, b: 2 },
        { a: 1, deep: { x: 1 } },
      ])
      await collection.setPayload({ y: 2 }, { ids: [1] }, { key: 'deep' })
      expect((await payloads(collection))[0]).toEqual({ a: 1, deep: { x: 1, y: 2 }, b: 2 })
      await collection.deletePayload(['a', 'deep.x'], { filter: { must: [{ key: 'b', match: { value: 2 } }] } })
      expect(await payloads(collection)).toEqual([
        { deep: { y: 2 }, b: 2 },
        { a: 1, deep: { x: 1 } },
      ])
      await collection.overwritePayload({ only: true }, [2])
      await collection.clearPayload([1])
      expect(await payloads(collection)).toEqual([{}, { only: true }])
      expect((await all(collection)).map((point) => point.vector)).toEqual([new Float32Array(3), new Float32Array(3)])
    })

    it('runs the operations of a batch in order', async () => {
      const collection = await suite.named()
      const results = await collection.batch([
        { op: 'upsert', points: [1, 2, 3].map((id) => ({ id, vector: { text: [id, 1] }, payload: { n: id } })) },
        { op: 'setPayload', payload: { seen: true }, which: [2] },
        { op: 'overwritePayload', payload: { over: 1 }, which: [1] },
        { op: 'updateVectors', points: [{ id: 2, vector: { image: [1, 1, 1] } }] },
        { op: 'deleteVectors', names: ['text'], which: [2] },
        { op: 'deletePayload', keys: ['n'], which: { ids: [2] } },
        { op: 'delete', which: { filter: { must: [{ key: 'n', match: { value: 3 } }] } } },
        { op: 'clearPayload', which: [1] },
      ])
      expect(results).toHaveLength(8)
      expect(results.every((result) => result.status === 'completed')).toBe(true)
      expect(await all(collection)).toMatchObject([
        { id: 1, payload: {} },
        { id: 2, payload: { seen: true }, vector: { image: new Float32Array([1, 1, 1]) } },
      ])
    })

    it('flushes', async () => {
      const collection = await suite.single()
      await collection.upsert([{ id: 1, vector: [1, 2, 3] }])
      await collection.flush()
      expect(await collection.count()).toBe(1)
    })
  })
}

async function all(collection: Collection): Promise<StoredPoint[]> {
  const points: StoredPoint[] = []
  for await (const point of collection.scroll({ withVector: true })) points.push(point)
  return points
}

async function payloads(collection: Collection): Promise<unknown[]> {
  return (await all(collection)).map((point) => point.payload)
}

function arrowTable(): Table {
  const item = new Field('item', new Float32(), false)
  const list = new FixedSizeList(3, item)
  const values = makeData({ type: new Float32(), data: Float32Array.from([1, 2, 3, 4, 5, 6]) })
  const vector = makeData({ type: list, length: 2, child: values })
  const ids = vectorFromArray([1, 2], new Int32()).data[0]
  const words = vectorFromArray(['one', 'two'], new Utf8()).data[0]
  const fields = [
    new Field('id', new Int32(), false),
    new Field('vector', list, false),
    new Field('word', new Utf8(), false),
  ]
  const struct = makeData({ type: new Struct(fields), length: 2, children: [ids, vector, words] as never })
  const schema = new Schema(fields)
  return new Table(schema, [new RecordBatch(schema, struct as never)])
}
