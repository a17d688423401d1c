import { describe, expect, it } from 'vitest'
import { cursorAt, type JsonNode, nodeAt, parseText, placeText } from '../../../src/console/service/json-text.js'
import fc from '../../oracle/properties.js'

describe('JSON with places', () => {
  it('has the values that JSON.parse has', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 2), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent)
        expect(JSON.stringify(told(parseText(text)))).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  it('is refused where JSON.parse refuses it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[],:"a1 -.etrunl\\\n') }), (text) => {
        expect(isRead(() => parseText(text))).toBe(isRead(() => JSON.parse(text)))
      }),
    )
  })

  it('names the line of a field that is told by its path', () => {
    const text = '{\n "filter": {"must": [\n  {"key": 1}]}}'
    expect(placeText(text, nodeAt(parseText(text), 'filter.must[0].key').start)).toBe('line 3, column 11')
    expect(placeText(text, nodeAt(parseText(text), 'filter.must[7]').start)).toBe('line 2, column 21')
  })
})

describe('the cursor', () => {
  it.each([
    ['{"a": 1, "b', { path: [], kind: 'key', typed: 'b', taken: ['a'] }],
    ['{"a": "x', { path: ['a'], kind: 'value', typed: 'x' }],
    ['{"a": [1, {"k": tr', { path: ['a', 1, 'k'], kind: 'value', typed: 'tr' }],
    ['{"a": {"b": 1}, ', { path: [], kind: 'key', typed: '', taken: ['a'] }],
    ['{"a": ["{\\"", ', { path: ['a', 1], kind: 'value', typed: '' }],
    ['{"a": 1 ', null],
    ['', { path: [], kind: 'value', typed: '' }],
  ])('of %s', (text, expected) => {
    const found = cursorAt(`${text}#`, text.length)
    if (expected === null) expect(found).toBeNull()
    else expect(found).toMatchObject(expected)
  })

  it('is somewhere or nowhere in any text', () => {
    fc.assert(fc.property(fc.string(), fc.nat(50), (text, at) => void cursorAt(text, Math.min(at, text.length))))
  })
})

function told({ value, items, fields }: JsonNode): unknown {
  if (items) return items.map(told)
  if (!fields) return value
  const object = Object.create(null) as Record<string, unknown>
  for (const field of fields)
    Object.defineProperty(object, field.key, { value: told(field.value), enumerable: true, configurable: true })
  return object
}

function isRead(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
