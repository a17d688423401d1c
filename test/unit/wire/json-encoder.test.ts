import { describe, expect, it } from 'vitest'
import { RawJson } from '../../../src/core/point.js'
import { float32Text, jsonText } from '../../../src/wire/json-encoder.js'
import fc from '../../oracle/properties.js'

describe('jsonText', () => {
  it('agrees with JSON.stringify on plain values', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('writes every float32 so that it is read back unchanged, in at most nine digits', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = float32Text(value)
        expect(Math.fround(Number(text))).toBe(value === 0 ? 0 : value)
        const digits = text
          .replace(/e.*$/, '')
          .replace(/[-.]/g, '')
          .replace(/^0+|0+$/g, '')
        if (!Number.isInteger(value)) expect(digits.length).toBeLessThanOrEqual(9)
      }),
      { numRuns: 5000 },
    )
    expect([0.1, 0.2, 1 / 3, 1e-10].map((value) => float32Text(Math.fround(value)))).toEqual([
      '0.1',
      '0.2',
      '0.33333334',
      '1e-10',
    ])
  })

  it('writes vectors of any length so that they are read back bit for bit', () => {
    const component = fc.float({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(fc.array(component, { maxLength: 2000, size: 'max' }), (components) => {
        const vector = Float32Array.from(components)
        expect(Float32Array.from(JSON.parse(jsonText(vector)))).toEqual(vector)
      }),
    )
    expect(jsonText([Float32Array.of(Number.NaN, 1), new Float32Array(0)])).toBe('[[null,1],[]]')
  })

  it('inserts stored text, 64-bit integers and vectors', () => {
    const answer = {
      id: 18_446_744_073_709_551_615n,
      payload: new RawJson('{"__proto__":9007199254740993}'),
      vector: { image: Float32Array.from([0.1, 2]) },
      absent: undefined,
      nothing: null,
    }
    expect(jsonText(answer)).toBe(
      '{"id":18446744073709551615,"payload":{"__proto__":9007199254740993},"vector":{"image":[0.1,2]},"nothing":null}',
    )
  })

  it('escapes keys and texts', () => {
    expect(jsonText({ 'a"\n': '\u2028"\ud800' })).toBe(JSON.stringify({ 'a"\n': '\u2028"\ud800' }))
  })
})
