/** Bodies with few bytes and very many values. */
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../src/core/limits.js'
import { type Measured, UNBOUNDED } from '../../../src/wire/body-bounds.js'
import { measureJson } from '../../../src/wire/json.js'
import { decodeMsgpack, measureMsgpack } from '../../../src/wire/msgpack.js'
import { encodeMsgpack } from '../../../src/wire/msgpack-encoder.js'
import { measureVectorJson } from '../../../src/wire/vector-json.js'
import { mainThreadCpuMs } from '../cpu.js'

const MIB = 1024 * 1024
/** Of CPU. A decoder that makes values takes many times as long, and as much memory, for any of these. */
const MOST_MS = 1_000
const MOST_GROWTH = 32 * MIB

function measuredOf(measure: () => unknown): { error: unknown; ms: number; growth: number } {
  const before = process.memoryUsage().rss
  const startedMs = mainThreadCpuMs()
  let error: unknown
  try {
    measure()
  } catch (refusal) {
    error = refusal
  }
  return { error, ms: mainThreadCpuMs() - startedMs, growth: process.memoryUsage().rss - before }
}

/** An array that fills the bytes with copies of this value. */
function filled(bytes: number, one: Buffer): Buffer {
  const head = Buffer.alloc(5, 0xdd)
  const count = Math.floor((bytes - head.length) / one.length)
  head.writeUInt32BE(count, 1)
  return Buffer.concat([head, Buffer.alloc(count * one.length, one)])
}

const jsonFilled = (bytes: number, one: string) =>
  Buffer.from(`[${`${one},`.repeat(bytes / (one.length + 1) - 1)}${one}]`)

describe('a body of 64 MiB', () => {
  it.each([
    ['empty maps', '80'],
    ['empty arrays', '90'],
    ['empty texts', 'a0'],
    ['empty bins', 'c400'],
    ['nothing', 'c0'],
    ['maps with a key', '81a16101'],
    ['arrays in arrays', '9190'],
    ['long integers', 'cfffffffffffffffff'],
  ])('of %s in MessagePack is refused before values are made of it', (_what, hex) => {
    const body = filled(64 * MIB, Buffer.from(hex, 'hex'))
    const { error, ms, growth } = measuredOf(() => measureMsgpack(body))
    expect(error).toMatchObject({ code: 'TOO_LARGE' })
    expect(ms).toBeLessThan(MOST_MS)
    expect(growth).toBeLessThan(MOST_GROWTH)
  })

  it.each(['{}', '[]', '""', 'null', '7', '{"a":1}', '[[],{}]'])('of %s in JSON is refused too', async (one) => {
    const body = jsonFilled(64 * MIB, one)
    const { error, ms, growth } = measuredOf(() => measureJson(body))
    expect(error).toMatchObject({ code: 'TOO_LARGE' })
    expect(ms).toBeLessThan(MOST_MS)
    expect(growth).toBeLessThan(MOST_GROWTH)
    await expect(measureVectorJson(body)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })
})

describe('64 MiB of points', () => {
  it('with vectors of floats are accepted, also as arrays of numbers in MessagePack', () => {
    const numbers = Array.from({ length: 128 }, (_, i) => Math.fround(Math.sin(i)))
    const points = Array.from({ length: 100_000 }, (_, id) => ({ id, vector: numbers, payload: { n: id } }))
    const body = encodeMsgpack({ points })
    expect(body.length).toBeGreaterThan(63 * MIB)
    const { valueBytes, make } = measureMsgpack(body)
    // Numbers take four bytes.
    expect(valueBytes).toBeLessThan(1.5 * body.length)
    const made = make() as { points: { vector: Buffer }[] }
    expect(made.points).toHaveLength(points.length)
    expect(made.points[99_999]?.vector).toEqual(Buffer.from(Float32Array.from(numbers).buffer))
  })
})

describe('a refusal', () => {
  const objects = LIMITS.bodyObjects
  it.each<[string, () => unknown, string, number]>([
    [
      'maps',
      () => measureMsgpack(filled(4 * MIB, Buffer.of(0x80))),
      'arrays, maps, texts, bins and long integers',
      objects,
    ],
    ['values', () => measureMsgpack(filled(8 * MIB, Buffer.of(1))), 'values', LIMITS.bodyValues],
    [
      'objects in JSON',
      () => measureJson(jsonFilled(4 * MIB, '{}')),
      'arrays, maps, texts, bins and long integers',
      objects,
    ],
    ['values in JSON', () => measureJson(jsonFilled(32 * MIB, '1')), 'values', LIMITS.bodyValues],
  ])('of too many %s names the bound and the count reached', (_what, measure, what, bound) => {
    expect(measure).toThrow(new RegExp(`body: expected at most ${bound} ${what}, got at least \\d+`))
    expect(measuredOf(measure).error).toMatchObject({ code: 'TOO_LARGE', details: { field: 'body', bound } })
  })

  it('comes at one value too many, in both formats', () => {
    const value = (count: number) => new Array(count).fill([])
    const json = (count: number) => Buffer.from(JSON.stringify(value(count)))
    for (const measure of [
      (count: number) => measureMsgpack(encodeMsgpack(value(count))),
      (count: number) => measureJson(json(count)),
    ] as ((count: number) => Measured)[]) {
      // The array around them counts as one.
      expect(measure(objects - 1).make()).toHaveLength(objects - 1)
      expect(() => measure(objects)).toThrow(/at most/)
    }
  })

  it('never applies to answers', () => {
    const body = encodeMsgpack(new Array(objects + 10).fill(''))
    expect(decodeMsgpack(body, 'answer', UNBOUNDED)).toHaveLength(objects + 10)
  })
})

describe('different keys', () => {
  const value = (count: number) => Array.from({ length: count }, (_, i) => ({ [`k${i}`]: 1, same: 2 }))
  const formats: [string, (value: unknown) => Measured][] = [
    ['MessagePack', (value) => measureMsgpack(encodeMsgpack(value))],
    ['JSON', (value) => measureJson(Buffer.from(JSON.stringify(value, null, 1)))],
  ]
  it.each(formats)('are bounded in %s: V8 takes long for each', (_, measure) => {
    // Some keys count as equal.
    expect(() => measure(value(LIMITS.bodyKeys * 1.2))).toThrow(`expected at most ${LIMITS.bodyKeys} different keys`)
    expect(measure(value(LIMITS.bodyKeys - 1)).make()).toHaveLength(LIMITS.bodyKeys - 1)
  })

  it.each(formats)('do not count repeated keys in %s', (_, measure) => {
    const again = Array.from({ length: 100_000 }, (_, i) => ({ id: i, a: { b: 1, c: 2 } }))
    expect(measure(again).make()).toEqual(again)
  })
})

describe('the memory of values', () => {
  /** Growth of V8's heap. */
  function taken(make: () => unknown): number {
    const before = process.memoryUsage()
    const value = make()
    const after = process.memoryUsage()
    expect(value).toBeDefined()
    return after.heapUsed - before.heapUsed
  }
  const count = 100_000
  it.each<[string, (at: number) => unknown]>([
    ['empty maps', () => ({})],
    ['empty arrays', () => []],
    ['points', (at) => ({ id: at, vector: Buffer.alloc(8), payload: { city: `City ${at}`, n: at / 7 } })],
    ['texts', (at) => `text ${at}`],
    ['numbers beside texts', (at) => (at % 2 ? at / 3 : '')],
  ])('is estimated before they are made: %s', (_, one) => {
    const body = encodeMsgpack(Array.from({ length: count }, (_, at) => one(at)))
    const { valueBytes, make } = measureMsgpack(body)
    const seen = taken(make)
    // A collection in between hides some of it.
    expect(seen).toBeLessThan(2 * valueBytes)
    expect(valueBytes).toBeLessThan(600 * count)
  })

  it.each(['35', '300', '1023', '4294967294'])(
    'of maps whose key is the index %s, without room for those below',
    (key) => {
      const map = Buffer.concat([Buffer.of(0x81), encodeMsgpack(key), Buffer.of(7)])
      const { valueBytes, make } = measureMsgpack(filled(count * map.length, map))
      const seen = taken(make)
      expect(seen).toBeLessThan(2 * valueBytes)
      expect(valueBytes).toBeLessThan(300 * count)
      expect((make() as object[]).at(-1)).toEqual({ [key]: 7 })
    },
  )

  it('of long integers in JSON, each of which is a text on the way', () => {
    const longs = 200_000
    const { valueBytes, make } = measureJson(jsonFilled(longs * 21, '18446744073709551615'))
    expect(valueBytes).toBeGreaterThan(100 * longs)
    expect((make() as bigint[]).at(-1)).toBe(2n ** 64n - 1n)
    const tooMany = jsonFilled(64 * MIB, '18446744073709551615')
    expect(() => measureJson(tooMany)).toThrow(/at most 1048576 .*long integers/)
  })
})
