import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../src/wire/json.js'
import { parseVectorJson } from '../../../src/wire/vector-json.js'
import fc from '../../oracle/properties.js'

const SHORTEST = 8
/** Enough digits that a placeholder is shorter. */
const digits = (at: number) => Math.sin(at + 1) / 10
/** Bodies below a size are parsed as they are. */
const FILLER = ' '.repeat(256)
const lifted = (text: string) => parseVectorJson(Buffer.from(FILLER + text))
const plain = (text: string) => parseJson(Buffer.from(FILLER + text))

/** Rounds numbers to float32 and Float32Arrays to numbers, including integers of any length. */
function plainly(value: unknown): unknown {
  if (value instanceof Float32Array) return Array.from(value)
  if (typeof value === 'number' || typeof value === 'bigint') return Math.fround(Number(value))
  if (Array.isArray(value)) return value.map(plainly)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainly(one)]))
}

/** Writes one letter of each key, if it has as many, as an escape. */
function withEscapedKeys(text: string, at: number): string {
  return text.replace(/"(\w+)"(?=:)/g, (_, key: string) => {
    const letter = key
      .charCodeAt(at % key.length)
      .toString(16)
      .padStart(4, '0')
    return `"${key.slice(0, at % key.length)}\\u${letter}${key.slice((at % key.length) + 1)}"`
  })
}

function messageOf(parse: () => unknown): string {
  try {
    parse()
    return '(none)'
  } catch (error) {
    return (error as Error).message
  }
}

const KEYS = [
  'query',
  'vector',
  'vectors',
  'nearest',
  'positive',
  'payload',
  'filter',
  'points',
  'a',
  '__proto__',
  'ids',
]
const number = fc.oneof(
  fc.double({ noNaN: true, min: -1e38, max: 1e38 }),
  fc.integer(),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
)
const body = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    number,
    fc.string({ unit: 'binary' }),
    fc.constant(null),
    fc.array(number, { maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 4 }),
  ),
})).value

describe('vectors taken out of JSON', () => {
  it('are Float32Arrays where vectors are long enough, and arrays elsewhere', () => {
    const long = Array.from({ length: SHORTEST }, (_, i) => digits(i))
    const parsed = lifted(JSON.stringify({ query: long, prefetch: { query: long.slice(1) }, ids: long })) as never
    expect(parsed).toEqual({ query: Float32Array.from(long), prefetch: { query: long.slice(1) }, ids: long })
  })

  it('change nothing else: any body means the same with and without lifting', () => {
    fc.assert(
      fc.property(body, fc.boolean(), fc.option(fc.nat(9)), (value, isSpaced, escaped) => {
        const sound = isSpaced ? JSON.stringify(value, null, 1) : JSON.stringify(value)
        const text = escaped === null ? sound : withEscapedKeys(sound, escaped)
        expect(plainly(lifted(text))).toEqual(plainly(plain(text)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('of a malformed body do not change its error', () => {
    const text = fc.tuple(body, fc.nat(), fc.constantFrom('', '"', '[', ']', '{', '}', ',', ':', '0', '\\', '\ud800'))
    fc.assert(
      fc.property(text, ([value, at, instead]) => {
        const sound = JSON.stringify(value)
        const place = at % (sound.length + 1)
        const damaged = sound.slice(0, place) + instead + sound.slice(place + 1)
        expect(messageOf(() => lifted(damaged))).toBe(messageOf(() => plain(damaged)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('may be many, of any length', async () => {
    const points = Array.from({ length: 3_000 }, (_, id) => ({
      id,
      vector: { a: Array.from({ length: 8 + (id % 50) }, (_, i) => Math.sin(id + i)), b: [1, 2] },
      payload: { vector: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
    }))
    const text = JSON.stringify({ points })
    expect(text.length).toBeGreaterThan(512 * 1024)
    const parsed = parseVectorJson(Buffer.from(text))
    expect(parsed).toBeInstanceOf(Promise)
    expect(plainly(await parsed)).toEqual(plainly({ points }))
    await expect(parseVectorJson(Buffer.from(`${text}]`))).rejects.toThrow(
      messageOf(() => parseJson(Buffer.from(`${text}]`))),
    )
  })
})
