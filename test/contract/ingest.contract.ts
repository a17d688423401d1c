import { describe, expect, it } from 'vitest'
import type { IngestCounts, IngestOptions } from '../../src/core/database.js'
import { LIMITS } from '../../src/core/limits.js'
import { encodeMsgpack } from '../../src/wire/msgpack-encoder.js'
import { streamOfKinds } from '../oracle/arrow-streams.js'
import type { Suite } from './database.contract.js'

export const NDJSON = { type: 'application/x-ndjson' } as const

const lineOf = (value: unknown): string => `${JSON.stringify(value)}\n`
const pointLine = (id: number, payload?: object): string =>
  lineOf({ id, vector: [id, 1, 2], ...(payload ? { payload } : {}) })

export function* pieces(text: string | Uint8Array, bytes = 1000): Generator<Uint8Array> {
  const all = Buffer.from(text as string)
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes)
}

export function describeIngest(suite: Suite): void {
  describe('streams of points', () => {
    it('store each line as a point', async () => {
      const collection = await suite.single()
      const text = [1, 2, 3].map((id) => pointLine(id, { at: id })).join('')
      const result = await collection.ingest(pieces(text, 7), NDJSON)
      expect(result).toMatchObject({ accepted: 3, rejected: 0, position: 3, errors: [] })
      const points = await collection.retrieve([1, 2, 3], { withVector: true })
      expect(points.map(({ id, payload }) => [id, payload])).toEqual([
        [1, { at: 1 }],
        [2, { at: 2 }],
        [3, { at: 3 }],
      ])
      expect(Array.from(points[1]?.vector as Float32Array)).toEqual([2, 1, 2])
    })

    it('may give points in place of bytes, and say how many refused rows they want told', async () => {
      const collection = await suite.single()
      const vector = Float32Array.of(0, 1, 2)
      const points = function* () {
        for (let id = 1; id <= 130; id++) {
          vector[0] = id
          yield { id, vector: id % 10 === 0 ? [1, 2] : vector, payload: { at: id } }
        }
      }
      const result = await collection.ingest(points(), { mostErrors: 7 })
      expect(result).toMatchObject({ accepted: 117, rejected: 13, position: 130 })
      expect(result.errors.map(({ row, field }) => [row, field])).toEqual(
        [9, 19, 29, 39, 49, 59, 69].map((row) => [row, 'vector']),
      )
      const [point] = await collection.retrieve([57], { withVector: true })
      expect(Array.from(point?.vector as Float32Array)).toEqual([57, 1, 2])
      const none = await collection.ingest([], { mostErrors: 0 })
      expect(none).toMatchObject({ accepted: 0, rejected: 0, position: 0, errors: [] })
      await expect(collection.ingest(pieces('{}'), {})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })

    it('are the same wherever they are cut', async () => {
      const collection = await suite.single()
      const text = `\ufeff${pointLine(1, { text: 'äöü € 😀' })}\r\n  \n${pointLine(2).trimEnd()}\r\n${lineOf('no point')}${pointLine(3).trimEnd()}`
      for (const bytes of [1, 2, 3, 5, 64, 10_000]) {
        const result = await collection.ingest(pieces(text, bytes), NDJSON)
        expect(result).toMatchObject({ accepted: 3, rejected: 1, position: 4 })
      }
      expect((await collection.get(1))?.payload).toEqual({ text: 'äöü € 😀' })
    })

    it('of no rows store nothing', async () => {
      const collection = await suite.single()
      for (const text of ['', '\n', ' \r\n\n']) {
        const result = await collection.ingest(pieces(text), NDJSON)
        expect(result).toMatchObject({ accepted: 0, rejected: 0, position: 0, errors: [] })
      }
      expect(await collection.count()).toBe(0)
    })

    it('refuse a bad row by its reason, and store the others of its batch', async () => {
      const collection = await suite.single()
      const bad = ['{"id": 1', 'null', '[]', '{"vector":[1,2,3]}', '{"id":-1,"vector":[1,2,3]}', '{"id":5}']
      const worse = [
        '{"id":6,"vector":[1,2]}',
        '{"id":7,"vector":[1e39,0,0]}',
        '{"id":8,"vector":{"other":[1,2,3]}}',
        '{"id":9,"vector":[1,2,"3"]}',
        '{"id":10,"vector":[1,2,3],"payload":5}',
      ]
      const lines = [...bad, ...worse].flatMap((line, at) => [pointLine(100 + at), `${line}\n`])
      const { accepted, rejected, position, errors } = await collection.ingest(pieces(lines.join('')), NDJSON)
      const count = bad.length + worse.length
      expect({ accepted, rejected, position }).toEqual({ accepted: count, rejected: count, position: 2 * count })
      expect(errors.map(({ row }) => row)).toEqual(Array.from({ length: count }, (_, at) => 2 * at + 1))
      for (const { code, error } of errors) expect([code, error]).toEqual(['INVALID_ARGUMENT', expect.any(String)])
      expect(errors[bad.length]?.field).toBe('vector')
      expect(await collection.count()).toBe(count)
    })

    it('tell the first refused rows, and count all', async () => {
      const collection = await suite.single()
      const count = LIMITS.ingestErrors + 20
      const text = 'x\n'.repeat(count)
      const { rejected, errors, position } = await collection.ingest(pieces(text), NDJSON)
      expect([rejected, errors.length, position]).toEqual([count, LIMITS.ingestErrors, count])
    })

    it('tell their progress after each batch', async () => {
      const collection = await suite.single()
      const count = 2 * LIMITS.ingestBatchRows + 5
      function* rows() {
        for (let id = 0; id < count; id++) yield Buffer.from(pointLine(id))
      }
      const told: IngestCounts[] = []
      const result = await collection.ingest(rows(), { ...NDJSON, onProgress: (counts) => told.push(counts) })
      expect(result).toMatchObject({ accepted: count, position: count })
      expect(told.length).toBeGreaterThan(0)
      for (const [at, { position }] of told.entries()) {
        expect(position).toBeLessThanOrEqual(count)
        if (at > 0) expect(position).toBeGreaterThan(told[at - 1]?.position as number)
      }
      expect(await collection.count()).toBe(count)
    })

    it('end with the error of their source, and keep the batches before', async () => {
      const collection = await suite.single()
      async function* broken() {
        for (let id = 0; id < 2 * LIMITS.ingestBatchRows; id++) yield Buffer.from(pointLine(id))
        throw new Error('the source is broken')
      }
      await expect(collection.ingest(broken(), NDJSON)).rejects.toThrow('the source is broken')
    })

    it('refuse options that they do not know', async () => {
      const collection = await suite.single()
      const odd = [undefined, {}, { type: 'text/csv' }, { ...NDJSON, source: {} }, { ...NDJSON, source: { name: '' } }]
      for (const options of [...odd, { ...NDJSON, source: { name: 'a', position: -1 } }, { ...NDJSON, typo: 1 }]) {
        const ingest = collection.ingest(pieces(pointLine(1)), options as IngestOptions)
        await expect(ingest, JSON.stringify(options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
    })
  })

  describe('streams of MessagePack maps', () => {
    const type = 'application/msgpack' as const
    const maps = (count: number) =>
      Array.from({ length: count }, (_, id) =>
        encodeMsgpack({
          id,
          vector: id % 2 ? [id, 1, 2] : Float32Array.of(id, 1, 2),
          payload: { text: 'x'.repeat(id * 3), more: [1, -5, 1.5, 2 ** 40, null, true, -(2 ** 40), 300, 70_000] },
        }),
      )

    it('are the same wherever they are cut', async () => {
      const collection = await suite.single()
      const odd = [
        encodeMsgpack('text'),
        encodeMsgpack({ id: 1 }),
        Buffer.of(0xc7, 3, 1, 1, 2, 3),
        Buffer.of(0xd4, 1, 1),
      ]
      const all = Buffer.concat([...maps(100), ...odd, encodeMsgpack({ id: 900, vector: [1, 2, 3] })])
      for (const bytes of [1, 3, 17, 1000, all.length]) {
        const { accepted, rejected, position, errors } = await collection.ingest(pieces(all, bytes), { type })
        expect([accepted, rejected, position]).toEqual([101, 4, 105])
        expect(errors.map(({ row }) => row)).toEqual([100, 101, 102, 103])
      }
      const [point] = await collection.retrieve([8], { withVector: true })
      expect(Array.from(point?.vector as Float32Array)).toEqual([8, 1, 2])
      expect(point?.payload).toMatchObject({ more: [1, -5, 1.5, 2 ** 40, null, true, -(2 ** 40), 300, 70_000] })
    })

    it('that end inside a map, or are none, end with an error', async () => {
      const collection = await suite.single()
      for (const bytes of [Buffer.of(0x81, 0xa1), Buffer.of(0xc1), Buffer.concat(maps(3)).subarray(0, -1)]) {
        const error = await collection.ingest(pieces(bytes), { type }).catch((reason: unknown) => reason)
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', details: { accepted: 0, position: 0 } })
      }
      expect(await collection.count()).toBe(0)
    })
  })

  describe('streams of Arrow', () => {
    const type = 'application/vnd.apache.arrow.stream' as const

    it('have ids, vectors of each kind, and payload of each type', async () => {
      const tokens = { size: 2, distance: 'Dot', multivectorConfig: { comparator: 'max_sim' } } as const
      const collection = await suite.database.createCollection('kinds', {
        vectors: { image: { size: 4, distance: 'Dot' }, tokens },
        sparseVectors: { words: {} },
      })
      const stream = streamOfKinds(20, 2)
      for (const bytes of [500, stream.length]) {
        const result = await collection.ingest(pieces(stream, bytes), { type })
        expect(result).toMatchObject({ accepted: 40, rejected: 0, position: 40, errors: [] })
      }
      const [point, other] = await collection.retrieve([22, 23], { withVector: true })
      expect(point?.vector).toEqual({
        image: Float32Array.of(22, 1, 2, 3),
        tokens: [Float32Array.of(22, 1), Float32Array.of(22, 1)],
        words: { indices: Uint32Array.of(1, 24), values: Float32Array.of(0.5, 2) },
      })
      expect(point?.payload).toEqual({
        text: 'tëxt 22',
        kind: 'kind 2',
        big: 9_007_199_254_741_015n,
        half: 22.5,
        flag: false,
        when: '2001-09-09T01:46:40.022Z',
        micro: '2001-09-09T01:46:40.022Z',
        day: '2026-12-01',
        price: 19.99,
        tags: ['a', 'b22'],
        deep: { a: [{ b: 22 }] },
      })
      expect(Object.keys(other?.vector as object).sort()).toEqual(['tokens', 'words'])
    })

    it('that are none end with an error', async () => {
      const collection = await suite.single()
      const file = Buffer.from('ARROW1\0\0')
      for (const bytes of [Buffer.from('not Arrow at all'), file, streamOfKinds(3).subarray(0, 900)]) {
        const error = await collection.ingest(pieces(bytes), { type }).catch((reason: unknown) => reason)
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('Arrow stream: ') })
      }
    })
  })

  describe('streams of a source', () => {
    const rows = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => pointLine(from + at, { row: from + at })).join('')
    const source = (position?: number) => ({
      ...NDJSON,
      source: { name: 'camera/1 ü', ...(position === undefined ? {} : { position }) },
    })

    it('go on where they ended', async () => {
      const collection = await suite.single()
      expect(await collection.ingestPosition('camera/1 ü')).toBe(0)
      expect(await collection.ingest(pieces(rows(0, 10)), source())).toMatchObject({ accepted: 10, position: 10 })
      expect(await collection.ingestPosition('camera/1 ü')).toBe(10)
      expect(await collection.ingest(pieces(rows(10, 15)), source(10))).toMatchObject({ accepted: 5, position: 15 })
      expect(await collection.ingestPosition('camera/1 ü')).toBe(15)
      expect(await collection.ingestPosition('another')).toBe(0)
      expect(await collection.count()).toBe(15)
    })

    it('leave out rows that are stored already', async () => {
      const collection = await suite.single()
      await collection.ingest(pieces(rows(0, 10)), source())
      await collection.delete([3])
      expect(await collection.ingest(pieces(rows(0, 12)), source())).toMatchObject({ accepted: 2, position: 12 })
      expect(await collection.ingest(pieces(rows(5, 12)), source(5))).toMatchObject({ accepted: 0, position: 12 })
      expect(await collection.has(3)).toBe(false)
      expect(await collection.count()).toBe(11)
    })

    it('are refused where rows are missing before them', async () => {
      const collection = await suite.single()
      await collection.ingest(pieces(rows(0, 10)), source())
      const error = await collection.ingest(pieces(rows(11, 12)), source(11)).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'OUT_OF_ORDER', status: 409, details: { stored: 10 } })
      expect(await collection.count()).toBe(10)
    })

    it('that two clients send at once are stored once', async () => {
      const collection = await suite.single()
      const count = LIMITS.ingestBatchRows + 100
      const all = Buffer.from(rows(0, count))
      const results = await Promise.all([1, 2].map(() => collection.ingest(pieces(all, 100_000), source())))
      expect(results.map(({ position }) => position)).toEqual([count, count])
      expect(results.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(count)
      expect(await collection.count()).toBe(count)
    })

    it('count refused rows, also at the end', async () => {
      const collection = await suite.single()
      expect(await collection.ingest(pieces('x\n'), source())).toMatchObject({ rejected: 1, position: 1 })
      expect(await collection.ingestPosition('camera/1 ü')).toBe(1)
      const text = `${rows(1, 3)}x\nx\n`
      expect(await collection.ingest(pieces(text), source(1))).toMatchObject({ accepted: 2, rejected: 2, position: 5 })
      expect(await collection.ingestPosition('camera/1 ü')).toBe(5)
    })
  })
}
