import { Packr, Unpackr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { RawJson } from '../../../src/core/point.js'
import { decodeMsgpack, measureMsgpack } from '../../../src/wire/msgpack.js'
import { encodeMsgpack } from '../../../src/wire/msgpack-encoder.js'
import fc from '../../oracle/properties.js'

const MAX_U64 = 0xffff_ffff_ffff_ffffn
/** Another implementation, which reads our output and writes our input. */
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'auto' as never })

const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    // The other implementation writes -0 as 0.
    fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
    fc.bigInt(BigInt(Number.MAX_SAFE_INTEGER) + 2n, MAX_U64),
    fc.bigInt(-(1n << 63n), -BigInt(Number.MAX_SAFE_INTEGER) - 2n),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ maxLength: 400 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { noNullPrototype: true },
    ),
  ),
})).value

describe('MessagePack', () => {
  it('is decoded as it was encoded', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeMsgpack(encodeMsgpack(value))).toEqual(value)
      }),
    )
  })

  it('can be read by another implementation', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(unpackr.unpack(encodeMsgpack(value))).toEqual(value)
      }),
    )
  })

  it('reads the output of another implementation', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeMsgpack(packr.pack(value))).toEqual(value)
      }),
    )
  })

  it('carries vectors as bins of little-endian float32', () => {
    const vector = Float32Array.from([1.5, -2, 3e-40])
    const { v } = decodeMsgpack(encodeMsgpack({ v: vector })) as { v: Buffer }
    expect([v.readFloatLE(0), v.readFloatLE(4), v.readFloatLE(8)]).toEqual([...vector])
  })

  it.each([0, 255, 256, 65_535, 65_536, 300_000])('carries a bin of %d bytes', (length) => {
    const bin = new Uint8Array(length).fill(7)
    expect(decodeMsgpack(encodeMsgpack([bin, 'after']))).toEqual([Buffer.from(bin), 'after'])
  })

  it('sends stored JSON as a value or as its text', () => {
    const payload = { payload: new RawJson('{"n":9007199254740993}') }
    expect(decodeMsgpack(encodeMsgpack(payload))).toEqual({ payload: { n: 9_007_199_254_740_993n } })
    const asText = decodeMsgpack(encodeMsgpack(payload, { rawJson: 'text' })) as { payload: Buffer }
    expect(asText.payload.toString()).toBe('{"n":9007199254740993}')
  })

  it('keeps the sign of zero', () => {
    expect(decodeMsgpack(encodeMsgpack([-0, 0]))).toEqual([-0, 0])
  })

  it('leaves out undefined values', () => {
    expect(decodeMsgpack(encodeMsgpack({ a: undefined, b: 1 }))).toEqual({ b: 1 })
  })

  it('makes dangerous keys plain data', () => {
    const map = decodeMsgpack(
      Buffer.concat([Buffer.from([0x81, 0xa9]), Buffer.from('__proto__'), Buffer.from([0x81, 0xa1, 0x78, 1])]),
    )
    expect(Object.keys(map as object)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(map)).toBe(Object.prototype)
    expect((map as { x?: unknown }).x).toBeUndefined()
  })

  it('keeps values that msgpackr would change: 2^53, markers at the start of texts, dangerous keys', () => {
    const long = 'x'.repeat(300)
    const value = {
      exact: [2n ** 53n, -(2n ** 53n), 2 ** 53 - 1, 2n ** 53n + 1n],
      marked: ['\ufeff', '\ufeffa', `\ufeff\ufeff${long}`, `a\ufeff${long}`],
      [`\ufeff${long}`]: 1,
      inner: JSON.parse('{"__proto__":{"x":1},"constructor":2}'),
      indices: { 0: 'a', 7: { 1023: 'b' }, 4294967295: 'c', '007': 'd', '\ufeff7': 'e', 12345678901: 'f' },
      bin: Buffer.of(1, 2),
    }
    const decoded = decodeMsgpack(encodeMsgpack(value)) as typeof value
    expect(decoded).toEqual(value)
    expect(Object.keys(decoded.inner)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(decoded.inner)).toBe(Object.prototype)
  })

  it('passes vectors of a request on as bins of float32, also if they are arrays of numbers', () => {
    const numbers = [1.5, -2, 300, 70_000, -40_000, 0.1, 1e-3, 2 ** 31, -1, 7]
    const floats = (value: unknown) => Array.from(new Float32Array(Uint8Array.from(value as Buffer).buffer))
    const request = (body: object) => measureMsgpack(encodeMsgpack(body)).make() as never
    const expected = Array.from(numbers, Math.fround)
    const { points } = request({
      points: [
        { id: 1, vector: numbers },
        { id: 2, vector: { a: numbers, b: [numbers, numbers] }, payload: { vector: numbers } },
      ],
    }) as { points: { vector: unknown; payload?: object }[] }
    expect(floats(points[0]?.vector)).toEqual(expected)
    const named = points[1]?.vector as { a: unknown; b: unknown[] }
    expect([floats(named.a), ...named.b.map(floats)]).toEqual([expected, expected, expected])
    expect(points[1]?.payload).toEqual({ vector: numbers })
    const { batch } = request({ batch: { ids: numbers, vectors: [numbers] } }) as { batch: Record<string, unknown[]> }
    expect([batch.ids, floats(batch.vectors?.[0])]).toEqual([numbers, expected])
    const { query } = request({ query: { recommend: { positive: [numbers, 1], negative: numbers } } }) as {
      query: { recommend: { positive: unknown[]; negative: unknown } }
    }
    expect([floats(query.recommend.positive[0]), query.recommend.negative]).toEqual([expected, numbers])
    // A value that is not a float32 is reported by the later reader, with its place.
    for (const odd of [Number.NaN, 1e39, 'x', null, 2n ** 60n]) {
      const vector = [...numbers, odd]
      expect(request({ points: [{ id: 1, vector }] })).toEqual({ points: [{ id: 1, vector }] })
    }
  })

  it('counts the values of payloads that come as JSON text', () => {
    const payload = (count: number) => Buffer.from(`{"a":[${new Array(count).fill('{}').join()}]}`)
    const body = (each: number) => encodeMsgpack({ points: new Array(16).fill({ id: 1, payload: payload(each) }) })
    expect(() => measureMsgpack(body(100_000))).toThrow(/at most 1048576 arrays, maps, texts, bins and long integers/)
    const few = measureMsgpack(body(10_000)).valueBytes
    expect(few).toBeGreaterThan(16 * 10_000 * 40)
    // Bytes that are not a value count nothing.
    expect(measureMsgpack(encodeMsgpack({ a: Buffer.alloc(1_000_000, 0x7b) })).valueBytes).toBeLessThan(1000)
  })

  it.each([10_000, 1_000_000])('refuses %d levels without overflowing the stack', (levels) => {
    expect(() => decodeMsgpack(Buffer.alloc(levels, 0x91))).toThrow(/256 nested levels/)
    expect(() => decodeMsgpack(Buffer.from('81a161'.repeat(levels), 'hex'))).toThrow(/256 nested levels/)
  })

  it.each([
    ['an array of 4 billion elements', 'ddffffffff'],
    ['a map of 4 billion entries', 'dfffffffff'],
    ['a text of 4 GiB', 'dbffffffff61'],
    ['a bin of 4 GiB', 'c6ffffffff00'],
    ['half a number', 'cb0000'],
    ['nothing', ''],
    ['two values', '0102'],
    ['an extension', 'd40100'],
    ['a timestamp', 'd6ff00000000'],
    ['the byte that is never used', 'c1'],
    ['a key that is no text', '810102'],
    ['a text that is no UTF-8', 'a2c328'],
  ])('refuses %s', (_what, hex) => {
    expect(() => decodeMsgpack(Buffer.from(hex, 'hex'))).toThrow(/malformed MessagePack at byte \d+/)
  })

  it('accepts or refuses any bytes without a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeMsgpack(Buffer.from(bytes))
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('objects of JavaScript that MessagePack has no form for', () => {
  it('arrays of integers travel as their numbers', () => {
    const bytes = encodeMsgpack({ a: new Int32Array([1, -2]), b: new BigInt64Array([-1n]), c: new Uint16Array([7]) })
    expect(new Unpackr({ mapsAsObjects: true }).unpack(bytes)).toEqual({ a: [1, -2], b: [-1n], c: [7] })
  })

  it.each([[new Map([['a', 1]])], [new Set([1])]])('%s is refused', (value) => {
    expect(() => encodeMsgpack({ value })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
