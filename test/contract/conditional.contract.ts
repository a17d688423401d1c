import { describe, expect, it } from 'vitest'
import type { UpdateCondition, UpdateMode } from '../../src/core/database.js'
import type { Point } from '../../src/core/point.js'
import type { Suite } from './database.contract.js'

const UUID = '550e8400-e29b-41d4-a716-446655440000'
const DRAFTS = { must: [{ key: 'state', match: { value: 'draft' } }] }

/** Points 1 (draft) and 2 (final) exist; 3 and a UUID do not. */
const CHOSEN: [mode: UpdateMode | undefined, filtered: boolean, written: unknown[]][] = [
  [undefined, false, [1, 2, 3, UUID]],
  ['upsert', false, [1, 2, 3, UUID]],
  ['upsert', true, [1, 3, UUID]],
  [undefined, true, [1, 3, UUID]],
  ['insert_only', false, [3, UUID]],
  ['insert_only', true, [3, UUID]],
  ['update_only', false, [1, 2]],
  ['update_only', true, [1]],
]

export function describeConditionalWrites(suite: Suite): void {
  const stored = async () => {
    const collection = await suite.single()
    await collection.upsert([
      { id: 1, vector: [1, 0, 0], payload: { state: 'draft', by: 'before' } },
      { id: 2, vector: [2, 0, 0], payload: { state: 'final', by: 'before' } },
    ])
    return collection
  }
  const points: Point[] = [1, 2, 3, UUID].map((id) => ({ id, vector: [9, 9, 9], payload: { by: 'after' } }))
  const columns = {
    ids: points.map(({ id }) => id),
    vectors: Float32Array.from(points.flatMap(({ vector }) => vector as number[])),
    payloads: points.map(({ payload }) => payload ?? null),
  }
  const writtenIn = async (collection: Awaited<ReturnType<typeof stored>>) => {
    const all = await collection.retrieve([1, 2, 3, UUID], { withVector: true })
    return all.filter(({ payload, vector }) => {
      expect((vector as Float32Array)[1], 'payload and vector go together').toBe(payload?.by === 'after' ? 9 : 0)
      return payload?.by === 'after'
    })
  }

  describe('conditional writes', () => {
    it.each(CHOSEN)('of mode %s, filtered: %s, write %j', async (updateMode, filtered, written) => {
      const condition: UpdateCondition = {
        ...(updateMode ? { updateMode } : {}),
        ...(filtered ? { updateFilter: DRAFTS } : {}),
      }
      const writes = [
        async () => (await stored()).upsert(points, condition),
        async () => (await stored()).upsert(columns, condition),
      ]
      for (const write of writes) expect(await write()).toMatchObject({ status: 'completed' })
      for (const given of [points, columns]) {
        const collection = await stored()
        await collection.upsert(given, condition)
        expect((await writtenIn(collection)).map(({ id }) => id)).toEqual(written)
        const inBatch = await stored()
        await inBatch.batch([{ op: 'upsert', points: given, ...condition }])
        expect((await writtenIn(inBatch)).map(({ id }) => id)).toEqual(written)
      }
    })

    it('of nothing change nothing and answer like any write', async () => {
      const collection = await stored()
      const nothing = await collection.upsert([{ id: 7, vector: [1, 1, 1] }], { updateMode: 'update_only' })
      expect(nothing.status).toBe('completed')
      expect(await collection.count()).toBe(2)
    })

    it('see every earlier write, and none can come between', async () => {
      const collection = await suite.single()
      const results = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          collection.upsert([{ id: 1, vector: [i, 0, 0], payload: { i } }], {
            updateMode: 'insert_only',
            wait: i % 2 > 0,
          }),
        ),
      )
      expect(results).toHaveLength(30)
      await collection.upsert([{ id: 2, vector: [0, 0, 0] }])
      const [point] = await collection.retrieve([1], { withVector: true })
      expect((point?.vector as Float32Array | undefined)?.[0], 'of one write').toBe(point?.payload?.i)
    })

    it('make counting safe: of many that read the same value, one succeeds', async () => {
      const collection = await suite.single()
      await collection.upsert([{ id: 1, vector: [0, 0, 0], payload: { version: 0 } }])
      for (let version = 0; version < 5; version++) {
        const updateFilter = { must: [{ key: 'version', match: { value: version } }] }
        const attempts = Array.from({ length: 8 }, (_, by) =>
          collection.upsert([{ id: 1, vector: [by, 0, 0], payload: { version: version + 1, by } }], { updateFilter }),
        )
        await Promise.all(attempts)
        const [point] = await collection.retrieve([1], { withVector: true })
        expect(point?.payload).toMatchObject({ version: version + 1 })
        expect((point?.vector as Float32Array | undefined)?.[0]).toBe(point?.payload?.by)
      }
    })

    it('see the earlier operations of their batch', async () => {
      const collection = await stored()
      await collection.batch([
        { op: 'setPayload', payload: { state: 'draft' }, which: [2] },
        { op: 'delete', which: [1] },
        { op: 'upsert', points, updateFilter: DRAFTS, updateMode: 'update_only' },
      ])
      expect((await writtenIn(collection)).map(({ id }) => id)).toEqual([2])
    })

    it('take the last of an id that comes twice', async () => {
      const collection = await suite.single()
      await collection.upsert(
        [
          { id: 1, vector: [1, 0, 0], payload: { n: 1 } },
          { id: 1, vector: [2, 0, 0], payload: { n: 2 } },
        ],
        { updateMode: 'insert_only' },
      )
      expect((await collection.retrieve([1]))[0]?.payload).toEqual({ n: 2 })
    })

    it('of vectors change those that match', async () => {
      const collection = await stored()
      const changes = [1, 2].map((id) => ({ id, vector: [5, 5, 5] }))
      await collection.updateVectors(changes, { updateFilter: DRAFTS })
      const at = async (id: number) => (await collection.retrieve([id], { withVector: true }))[0]?.vector
      expect([await at(1), await at(2)]).toEqual([Float32Array.of(5, 5, 5), Float32Array.of(2, 0, 0)])
      await collection.batch([
        { op: 'updateVectors', points: [{ id: 2, vector: [6, 6, 6] }], updateFilter: { mustNot: [DRAFTS] } },
      ])
      expect(await at(2)).toEqual(Float32Array.of(6, 6, 6))
      const absent = collection.updateVectors([{ id: 99, vector: [1, 1, 1] }], { updateFilter: DRAFTS })
      await expect(absent).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('of another mode are refused', async () => {
      const collection = await stored()
      const refused = {
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/updateMode.*insert_only.*"replace"/),
      }
      const mode = { updateMode: 'replace' as UpdateMode }
      await expect(collection.upsert(points, mode)).rejects.toMatchObject(refused)
      await expect(collection.batch([{ op: 'upsert', points, ...mode }])).rejects.toMatchObject(refused)
      expect(await writtenIn(collection)).toEqual([])
    })

    it('of many points are decided in one go', async () => {
      const collection = await suite.single()
      const count = 5_000
      const row = (id: number, by: string) => ({ id, vector: [id, 0, 0], payload: { by, even: id % 2 === 0 } })
      await collection.upsert(Array.from({ length: count }, (_, id) => row(id, 'before')))
      const updateFilter = { must: [{ key: 'even', match: { value: true } }] }
      const all = Array.from({ length: 2 * count }, (_, id) => row(id, 'after'))
      await collection.upsert(all, { updateFilter, updateMode: 'update_only' })
      expect(await collection.count()).toBe(count)
      const after = { must: [{ key: 'by', match: { value: 'after' } }] }
      expect(await collection.count({ filter: after })).toBe(count / 2)
      expect(await collection.count({ filter: { must: [after, updateFilter] } })).toBe(count / 2)
    })
  })
}
