import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../src/core/limits.js'
import type { Payload } from '../../../src/core/point.js'
import { parseDateTime } from '../../../src/filter/date-time.js'
import { parsePath } from '../../../src/filter/path.js'
import { applyPatch, deleteKeys, selectPayload } from '../../../src/filter/payload.js'
import { microsOf, valuesAt } from '../../oracle/filter-oracle.js'
import fc from '../../oracle/properties.js'

const json = (text: string) => JSON.parse(text) as Payload
const key = (name: string) => ({ kind: 'key', key: name })

describe('paths', () => {
  it('read keys, quoted keys, every element and one element', () => {
    expect(parsePath('a.b[].c[3][0]', 'key')).toEqual([
      key('a'),
      key('b'),
      { kind: 'all' },
      key('c'),
      { kind: 'index', index: 3 },
      { kind: 'index', index: 0 },
    ])
    expect(parsePath('"a.b"."[]".Product Name', 'key')).toEqual([key('a.b'), key('[]'), key('Product Name')])
    expect(parsePath('"say \\"hi\\" \\\\"', 'key')).toEqual([key('say "hi" \\')])
  })

  it.each([
    '',
    '.',
    '.a',
    'a.',
    'a..b',
    '[]',
    'a[',
    'a]',
    'a[x]',
    'a[-1]',
    'a[1',
    '"a',
    'a"b"',
    '"a"b',
    7,
    null,
    '\udc00',
  ])('refuse %j', (path) => {
    expect(() => parsePath(path, 'key')).toThrow(/^key: expected/)
  })

  it('are bounded in length and steps', () => {
    expect(() => parsePath('a'.repeat(LIMITS.nameLength + 1), 'key')).toThrow(
      /expected at most 255 characters, got 256/,
    )
    expect(parsePath(new Array(LIMITS.pathSegments).fill('a').join('.'), 'key')).toHaveLength(LIMITS.pathSegments)
    expect(() => parsePath(`a${'[]'.repeat(LIMITS.pathSegments)}`, 'key')).toThrow(/expected at most 32 steps/)
  })

  it('lead to the same values as in the oracle', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(name, tie('value')),
      ),
    }))
    const path = fc
      .tuple(name, fc.array(fc.constantFrom('.a', '.b', '[]', '[0]', '[1]'), { maxLength: 4 }))
      .map(([first, rest]) => first + rest.join(''))
    fc.assert(
      fc.property(fc.dictionary(name, value), path, (payload, path) => {
        const mark = { marked: true }
        const marked = applyPatch(structuredClone(payload), mark, path)
        const found = valuesAt(payload, path).length
        // A patch changes the values at the path, and creates missing objects outside of arrays.
        const reached = valuesAt(marked, path)
        expect(reached.length).toBeGreaterThanOrEqual(found)
        for (const value of reached) expect(value).toMatchObject(mark)
      }),
    )
  })
})

describe('set payload', () => {
  it('merges keys at the top, and a null removes its key', () => {
    expect(applyPatch({ a: 1, b: { c: 2 }, d: 3 }, { b: 5, d: null, e: [] })).toEqual({ a: 1, b: 5, e: [] })
  })

  it.each([
    ['{}', 'a.b', '{"a":{"b":{"x":1}}}'],
    ['{"a":5}', 'a.b', '{"a":{"b":{"x":1}}}'],
    ['{"a":{"b":{"y":2}}}', 'a.b', '{"a":{"b":{"y":2,"x":1}}}'],
    ['{"a":[{"y":1},{},7]}', 'a[]', '{"a":[{"y":1,"x":1},{"x":1},{"x":1}]}'],
    ['{"a":[{},{}]}', 'a[1].b', '{"a":[{},{"b":{"x":1}}]}'],
    ['{"a":[{}]}', 'a[5].b', '{"a":[{}]}'],
    ['{"a":{"b":1}}', 'a[].b', '{"a":[]}'],
    ['{}', 'a[].b', '{"a":[]}'],
    ['{}', '__proto__.polluted', '{"__proto__":{"polluted":{"x":1}}}'],
  ])('of %s at %s gives %s', (payload, path, expected) => {
    expect(JSON.stringify(applyPatch(json(payload), { x: 1 }, path))).toBe(expected)
    expect(({} as Payload).polluted).toBeUndefined()
  })

  it('keeps `__proto__` and `constructor` as keys like any other', () => {
    const patch = json('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
    const merged = applyPatch({}, patch)
    expect(JSON.stringify(merged)).toBe(JSON.stringify(patch))
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(({} as Payload).polluted).toBeUndefined()
    expect(JSON.stringify(deleteKeys(merged, ['__proto__']))).toBe('{"constructor":{"prototype":{"polluted":1}}}')
  })

  it('done twice equals once', () => {
    const payload = fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue())
    const path = fc.constantFrom('a', 'a.b', 'a[]', 'a[].b', 'b[0].a', undefined)
    fc.assert(
      fc.property(payload, payload, path, (payload, patch, path) => {
        const once = applyPatch(structuredClone(payload), patch, path)
        expect(applyPatch(structuredClone(once), patch, path)).toEqual(once)
      }),
    )
  })
})

describe('delete payload', () => {
  it.each([
    ['{"a":1,"b":2}', ['a'], '{"b":2}'],
    ['{"a":{"b":1,"c":2}}', ['a.b'], '{"a":{"c":2}}'],
    ['{"a":[{"b":1},{"b":2,"c":3},4]}', ['a[].b'], '{"a":[{},{"c":3},4]}'],
    ['{"a":[{"b":1},{"b":2}]}', ['a[1].b'], '{"a":[{"b":1},{}]}'],
    ['{"a":[1,2]}', ['a[]'], '{"a":[]}'],
    ['{"a":[1,2]}', ['a[0]'], '{"a":[1,2]}'],
    ['{"a":1}', ['b', 'a.b', 'a[].b', 'toString', 'constructor.name'], '{"a":1}'],
    ['{"a.b":1,"a":{"b":2}}', ['"a.b"'], '{"a":{"b":2}}'],
  ])('of %s without %j leaves %s', (payload, paths, expected) => {
    expect(JSON.stringify(deleteKeys(json(payload), paths))).toBe(expected)
  })
})

describe('select payload', () => {
  const payload = '{"a":{"b":1,"c":[{"d":1,"e":2},{"d":3},4]},"f":null}'
  it.each([
    [{ include: ['f'] }, '{"f":null}'],
    [{ include: ['a.b', 'nothing', 'a.c[].nothing'] }, '{"a":{"b":1}}'],
    [{ include: ['a.c[].d', 'a.c[].e'] }, '{"a":{"c":[{"d":1,"e":2},{"d":3}]}}'],
    [{ include: ['a.c[1]'] }, '{"a":{"c":[{"d":3}]}}'],
    [{ include: [] }, '{}'],
    [{ include: ['toString', '__proto__'] }, '{}'],
    [{ exclude: ['a.c', 'f'] }, '{"a":{"b":1}}'],
    [{ exclude: [] }, payload],
  ])('%j', (selection, expected) => {
    expect(JSON.stringify(selectPayload(json(payload), selection as never))).toBe(expected)
  })
})

describe('date-times', () => {
  it('agree with the oracle on texts that are nearly dates', () => {
    const two = fc.integer({ min: 0, max: 70 }).map((number) => String(number).padStart(2, '0'))
    const text = fc
      .tuple(
        fc.constantFrom('1970', '2024', '2023', '0001', '9999', '70'),
        two,
        two,
        fc.constantFrom('', 'T', ' ', 't'),
        two,
        two,
        fc.constantFrom('', ':00', ':59', ':60', ':07.5', ':07.1234567', '.5', ':'),
        fc.constantFrom('', 'Z', 'z', '+01:00', '-0130', '+23', '+24:00', '-00:60', '+1'),
      )
      .map(([year, month, day, separator, hour, minute, rest, zone]) =>
        separator === ''
          ? `${year}-${month}-${day}`
          : `${year}-${month}-${day}${separator}${hour}:${minute}${rest}${zone}`,
      )
    fc.assert(
      fc.property(text, (text) => {
        expect(parseDateTime(text)).toBe(microsOf(text))
      }),
      { numRuns: 5_000 },
    )
    expect(parseDateTime('2024-02-29T12:00:00.000001+01:00')).toBe(1709204400000001n)
  })
})
