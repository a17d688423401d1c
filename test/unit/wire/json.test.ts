import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../src/wire/json.js'
import fc from '../../oracle/properties.js'

/** The same with numbers for bigints. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(rounded)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, property]) => [key, rounded(property)]))
}

const parse = (text: string) => parseJson(Buffer.from(text))

describe('parseJson', () => {
  it('agrees with JSON.parse except that long integers stay exact', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(rounded(parse(text))).toEqual(JSON.parse(text))
      }),
    )
  })

  it.each([
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', 9_007_199_254_740_992n],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['18446744073709551615', 18_446_744_073_709_551_615n],
    ['-9223372036854775808', -9_223_372_036_854_775_808n],
    ['0000000000000001', null],
    ['18446744073709551616', 18_446_744_073_709_552_000],
    ['1234567890123456.5', 1_234_567_890_123_456.5],
    ['1234567890123456789e3', Number('1234567890123456789e3')],
    ['0.12345678901234567', Number('0.12345678901234567')],
  ])('reads %s exactly where 64 bits can hold it', (text, expected) => {
    if (expected === null) expect(() => parse(`[${text}]`)).toThrow(/Format error/)
    else expect(parse(`{"a":[${text},{"b":${text}}]}`)).toEqual({ a: [expected, { b: expected }] })
  })

  it('leaves long digits inside texts and keys unchanged', () => {
    const text = '{"9007199254740993":"9007199254740993 \\" 18446744073709551615","n":9007199254740993}'
    expect(parse(text)).toEqual({
      '9007199254740993': '9007199254740993 " 18446744073709551615',
      n: 9_007_199_254_740_993n,
    })
  })

  it('makes dangerous keys plain data, on the fast and on the slow path', () => {
    for (const extra of ['1', '9007199254740993']) {
      const parsed = parse(`{"__proto__":{"admin":true},"constructor":{"n":${extra}}}`) as Record<string, unknown>
      expect(Object.keys(parsed)).toEqual(['__proto__', 'constructor'])
      expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
      expect(parsed.admin).toBeUndefined()
    }
  })

  it.each([257, 10_000, 1_000_000])('refuses %d levels without overflowing the stack', (levels) => {
    expect(() => parse('['.repeat(levels))).toThrow(/256 nested levels/)
    expect(() => parse('{"a":'.repeat(levels))).toThrow(/256 nested levels/)
  })

  it('accepts 256 levels', () => {
    expect(parse(`${'['.repeat(256)}1${']'.repeat(256)}`)).toBeInstanceOf(Array)
  })

  it.each([
    '',
    '{',
    '[1,]',
    '{"a":}',
    'NaN',
    '[Infinity]',
    '"\u0001"',
    '{"a":9007199254740993',
    '{9007199254740993:1}',
    '[-0000000000000001]',
    '[--9007199254740993]',
    '"unclosed \\',
  ])('refuses the malformed %j without quoting it', (text) => {
    expect(() => parse(text)).toThrow(/^Format error in JSON body( at position \d+)?$/)
  })

  it('refuses invalid UTF-8', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(/UTF-8/)
  })
})
