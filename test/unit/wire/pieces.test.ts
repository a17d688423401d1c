import { describe, expect, it } from 'vitest'
import { RawJson } from '../../../src/core/point.js'
import { encoded } from '../../../src/server/respond.js'
import { JsonPieces, jsonText } from '../../../src/wire/json-encoder.js'
import { encodeMsgpack, MsgpackPieces } from '../../../src/wire/msgpack-encoder.js'
import { isLarger, piecesOf } from '../../../src/wire/pieces.js'
import fc from '../../oracle/properties.js'

/** The parts of answers, in sizes around and above those of pieces. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt(-(1n << 63n), (1n << 64n) - 1n),
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.constant(new Date(1_700_000_000_000)),
    fc.integer({ min: 0, max: 9_000 }).map((length) => new Float32Array(length).fill(0.1)),
    fc.integer({ min: 0, max: 40 }).map((length) => new RawJson(JSON.stringify({ text: 'ä'.repeat(length * 1000) }))),
    fc.array(tie('value'), { maxLength: 12 }),
    fc.array(fc.record({ id: fc.nat(), score: fc.float({ noNaN: true, noDefaultInfinity: true }) }), {
      minLength: 1000,
      maxLength: 3000,
    }),
    fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(fc.constant(undefined), tie('value')), { maxKeys: 8 }),
  ),
}))

describe('pieces', () => {
  it('together equal the text written at once, in each format', () => {
    fc.assert(
      fc.property(values.value, (value) => {
        const json = Buffer.concat([...piecesOf(value, new JsonPieces())])
        expect(json.equals(Buffer.from(jsonText(value)))).toBe(true)
        for (const rawJson of ['value', 'text'] as const) {
          const msgpack = Buffer.concat([...piecesOf(value, new MsgpackPieces({ rawJson }))])
          expect(msgpack.equals(encodeMsgpack(value, { rawJson }))).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('are of about one size, unless one value is larger', () => {
    const point = (id: number) => ({ id, vector: new Float32Array(256).fill(1 / 3), payload: new RawJson('{"a":1}') })
    const answer = { result: { points: Array.from({ length: 2000 }, (_, id) => point(id)) }, status: 'ok', time: 0.1 }
    for (const writer of [new JsonPieces(), new MsgpackPieces({ rawJson: 'value' })]) {
      const sizes = [...piecesOf(answer, writer)].map(({ length }) => length)
      expect(Math.max(...sizes)).toBeLessThan(40 * 1024)
      expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(32 * 1024)
    }
  })

  it('are chosen by a look at the answer, which ends once it is enough', () => {
    expect(isLarger([1, 'text', null], 100)).toBe(false)
    expect(isLarger(new Float32Array(100), 1000)).toBe(true)
    expect(isLarger({ payload: new RawJson('x'.repeat(101)) }, 100)).toBe(true)
    const endless = new Proxy([], { get: (target, key) => (key === 'length' ? 1e9 : Reflect.get(target, key)) })
    expect(isLarger(endless, 1000)).toBe(true)
  })
})

describe('a large answer', () => {
  it('is written in turns of the event loop, each piece once the previous one was taken', async () => {
    const written: number[] = []
    const watched = (at: number) =>
      Object.defineProperty({}, 'text', { enumerable: true, get: () => written.push(at) && 'x'.repeat(40_000) })
    const answer = { result: Array.from({ length: 10 }, (_, at) => watched(at)) }
    const pieces = encoded(answer, false, undefined, () => {}) as AsyncIterable<Buffer>
    // Its size was counted for the bound on answers; nothing is written yet.
    written.length = 0
    const taken = pieces[Symbol.asyncIterator]()
    await taken.next()
    const firstWritten = Math.max(...written)
    expect(firstWritten).toBeLessThan(4)
    let turns = 0
    const count = () => {
      turns++
      setImmediate(count).unref()
    }
    setImmediate(count).unref()
    let pieceCount = 1
    for (let next = await taken.next(); !next.done; next = await taken.next()) pieceCount++
    expect(pieceCount).toBeGreaterThanOrEqual(10)
    expect(turns).toBeGreaterThanOrEqual(pieceCount - 2)
  })
})
