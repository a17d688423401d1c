import { describe, expect, it } from 'vitest'
import { VicinalError } from '../../../src/core/errors.js'
import { LIMITS } from '../../../src/core/limits.js'
import { parseFilter } from '../../../src/filter/parse.js'
import { compileFilter } from '../../../src/filter/program.js'
import fc from '../../oracle/properties.js'

const context = { vectorNames: ['image', 'text'] }

const SQUARE = [
  { lon: 0, lat: 0 },
  { lon: 0, lat: 1 },
  { lon: 1, lat: 1 },
  { lon: 0, lat: 0 },
]
const ring = (count: number) => ({ points: Array.from({ length: count }, () => ({ lon: 1, lat: 1 })) })

const GEO: [object, string][] = [
  [{ geoRadius: {} }, 'geoRadius.center: expected a value'],
  [{ geoRadius: { center: { lon: 0, lat: 90.1 }, radius: 1 } }, 'geoRadius.center.lat: expected a number from -90 to'],
  [{ geoRadius: { center: { lon: -181, lat: 0 }, radius: 1 } }, 'geoRadius.center.lon: expected a number from -180'],
  [{ geoRadius: { center: { lon: NaN, lat: 0 }, radius: 1 } }, 'geoRadius.center.lon: expected a number from -180'],
  [{ geoRadius: { center: { lon: '1', lat: 0 }, radius: 1 } }, 'geoRadius.center.lon: expected a number from -180'],
  [{ geoRadius: { center: { lon: 0, lat: 0 }, radius: -1 } }, 'geoRadius.radius: expected a number of at least 0, got'],
  [
    { geoRadius: { center: { lon: 0, lat: 0 }, radius: Infinity } },
    'geoRadius.radius: expected a number of at least 0',
  ],
  [{ geoBoundingBox: { topLeft: { lon: 0, lat: 0 } } }, 'geoBoundingBox.bottomRight: expected a value'],
  [{ geoBoundingBox: { topLeft: { lon: 0 } } }, 'geoBoundingBox.topLeft.lat: expected a value'],
  [{ geoPolygon: { exterior: SQUARE } }, 'geoPolygon.exterior: expected an object, got an array'],
  [
    { geoPolygon: { exterior: { points: SQUARE.slice(1) } } },
    'geoPolygon.exterior.points: polygon invalid, the size must be at least 4, got 3',
  ],
  [
    { geoPolygon: { exterior: { points: [...SQUARE, { lon: 5, lat: 5 }] } } },
    'geoPolygon.exterior.points: polygon invalid, the first and the last points should be the same',
  ],
  [
    { geoPolygon: { exterior: { points: SQUARE }, interiors: [{ points: [...SQUARE.slice(1), SQUARE[1]] }, {}] } },
    'geoPolygon.interiors[1].points: expected an array of points',
  ],
  [{ geoPolygon: { exterior: ring(100_000) } }, 'geoPolygon.exterior.points: expected at most 16384 points in all'],
  [
    { geoPolygon: { exterior: ring(16_380), interiors: [ring(5)] } },
    'geoPolygon.interiors[0].points: expected at most 16384 points in all rings, 4 are left, got 5',
  ],
  [
    { geoPolygon: { exterior: ring(4), interiors: new Array(100_000).fill(ring(4)) } },
    'geoPolygon.interiors: expected at most 4096 rings, got 100000',
  ],
]

const REFUSED: [unknown, string][] = [
  [
    { must: [{}, {}, { key: 'a', match: { valeu: 1 } }] },
    'INVALID_ARGUMENT filter.must[2].match.valeu: expected a known key: one of value, any, ',
  ],
  [{ mustnt: [] }, 'INVALID_ARGUMENT filter.mustnt: expected a known key: one of must, '],
  [{ must: 'x' }, 'INVALID_ARGUMENT filter.must: expected an object, got "x"'],
  [{ must: [null] }, 'INVALID_ARGUMENT filter.must[0]: expected an object, got null'],
  [{ must: { key: 'a' } }, 'INVALID_ARGUMENT filter.must: expected one of match, range'],
  [{ must: { key: 'a', match: null } }, 'INVALID_ARGUMENT filter.must: expected one of match, range'],
  [{ must: { key: 'a', match: { value: 1 }, range: { lt: 'x' } } }, 'INVALID_ARGUMENT filter.must.range.lt: expected'],
  [
    { must: { key: 'a', match: { value: 1.5 } } },
    'INVALID_ARGUMENT filter.must.match.value: expected a text, a 64-bit',
  ],
  [{ must: { key: 'a', match: { value: 2n ** 63n } } }, 'INVALID_ARGUMENT filter.must.match.value: expected a text'],
  [
    { must: { key: 'a', match: { value: '\ud800' } } },
    'INVALID_ARGUMENT filter.must.match.value: expected well-formed',
  ],
  [{ must: { key: 'a', match: { any: [1, 'x'] } } }, 'INVALID_ARGUMENT filter.must.match.any: expected only texts or'],
  [{ must: { key: 'a', match: { any: [true] } } }, 'INVALID_ARGUMENT filter.must.match.any[0]: expected a text or'],
  [{ must: { key: 'a', match: {} } }, 'INVALID_ARGUMENT filter.must.match: expected exactly one of value, any, except'],
  [
    { must: { key: 'a', match: { text: 'x', phrase: 'y' } } },
    'INVALID_ARGUMENT filter.must.match: expected exactly one of value',
  ],
  [{ must: { key: 'a', match: { text: 1 } } }, 'INVALID_ARGUMENT filter.must.match.text: expected a text, got 1'],
  [
    { must: { key: 'a', match: { prefix: '\udc00' } } },
    'INVALID_ARGUMENT filter.must.match.prefix: expected well-formed',
  ],
  ...(['text', 'textAny', 'phrase', 'prefix'] as const).map((kind): [unknown, string] => [
    { must: { key: 'a', match: { [kind]: 'x'.repeat(1024 * 1024) } } },
    `INVALID_ARGUMENT filter.must.match.${kind}: expected at most 65536 characters, got 1048576`,
  ]),
  ...GEO.map(([condition, expected]): [unknown, string] => [
    { must: { key: 'a', ...condition } },
    `INVALID_ARGUMENT filter.must.${expected}`,
  ]),
  [{ must: { slice: { index: 2, total: 2 } } }, 'INVALID_ARGUMENT filter.must.slice: expected an index below total'],
  [{ must: { slice: { index: 0, total: 0 } } }, 'INVALID_ARGUMENT filter.must.slice.total: expected an integer from 1'],
  [{ must: { slice: { index: 0, total: 2 ** 32 } } }, 'INVALID_ARGUMENT filter.must.slice.total: expected an integer'],
  [
    { must: { slice: { index: -1, total: 2 } } },
    'INVALID_ARGUMENT filter.must.slice.index: expected an integer from 0',
  ],
  [{ must: { slice: { index: 0.5, total: 2 } } }, 'INVALID_ARGUMENT filter.must.slice.index: expected an integer'],
  [{ must: { slice: { index: 0, total: 2, salt: 1 } } }, 'INVALID_ARGUMENT filter.must.slice.salt: expected a known'],
  [
    { must: { key: 'a', range: { lt: Number.NaN } } },
    'INVALID_ARGUMENT filter.must.range.lt: expected a finite number, got NaN',
  ],
  [{ must: { key: 'a', range: { lt: Infinity } } }, 'INVALID_ARGUMENT filter.must.range.lt: expected a finite number'],
  [
    { must: { key: 'a', range: { lt: '2020-01-01', gt: 5 } } },
    'INVALID_ARGUMENT filter.must.range.gt: expected an RFC 3339',
  ],
  [{ must: { key: 'a', range: { lt: 'soon' } } }, 'INVALID_ARGUMENT filter.must.range.lt: expected an RFC 3339'],
  [{ must: { key: 'a', range: { below: 5 } } }, 'INVALID_ARGUMENT filter.must.range.below: expected a known key'],
  [{ must: { key: 'a', valuesCount: { lt: -1 } } }, 'INVALID_ARGUMENT filter.must.valuesCount.lt: expected an integer'],
  [{ must: { key: 'a', isNull: 'yes' } }, 'INVALID_ARGUMENT filter.must.isNull: expected true or false'],
  [{ must: { key: 'a.', isNull: true } }, 'INVALID_ARGUMENT filter.must.key: expected a payload key'],
  [{ must: { hasId: [1, -1] } }, 'INVALID_ARGUMENT filter.must.hasId[1]: expected an unsigned 64-bit'],
  [{ must: { hasId: [1], key: 'a' } }, 'INVALID_ARGUMENT filter.must.hasId: expected a known key'],
  [{ minShould: { conditions: [], minCount: 0 } }, 'INVALID_ARGUMENT filter.minShould.minCount: expected an integer'],
  [{ must: { nested: { key: 'a', filter: { must: { x: 1 } } } } }, 'INVALID_ARGUMENT filter.must.nested.filter.must.x'],
  [JSON.parse('{"__proto__": {"must": []}}'), 'INVALID_ARGUMENT filter.__proto__: expected a known key'],
  [
    { must: JSON.parse('{"key":"a","__proto__":{"match":{}}}') },
    'INVALID_ARGUMENT filter.must.__proto__: expected a known key',
  ],
  [[], 'INVALID_ARGUMENT filter: expected an object, got an array of 0'],
]

function refusal(filter: unknown): string {
  try {
    parseFilter(filter, context)
  } catch (error) {
    expect(error).toBeInstanceOf(VicinalError)
    return `${(error as VicinalError).code} ${(error as VicinalError).message}`
  }
  return 'accepted'
}

function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let filter: unknown = { key: 'a', match: { value: 1 } }
  for (let level = 0; level < levels; level++) filter = wrap(filter)
  return filter
}

describe('empty clauses', () => {
  it.each([[null], [undefined], [{}], [{ must: [] }], [{ must: null, should: [], mustNot: null, minShould: null }]])(
    'compiles %j to no program',
    (filter) => {
      expect(compileFilter(filter, context)).toBeNull()
    },
  )
})

it('more conditions than there are hold for no point, nor does an unknown vector', () => {
  const nothing = compileFilter({ must: { hasId: [] } }, context)
  for (const minCount of [1, 2 ** 40, 2n ** 64n - 1n])
    expect(compileFilter({ minShould: { conditions: [], minCount } }, context)).toEqual(nothing)
  expect(compileFilter({ must: { hasVector: 'sound' } }, context)).toEqual(nothing)
})

describe('parse', () => {
  it('takes a clause as one condition or as an array', () => {
    const condition = { key: 'a', match: { value: 'x' } }
    expect(parseFilter({ must: condition }, context)).toEqual(parseFilter({ must: [condition] }, context))
  })

  it('joins clauses by AND and keeps their order', () => {
    const filter = {
      must: { hasVector: 'text' },
      should: [{ isNull: { key: 'a' } }, { isEmpty: { key: 'b' } }],
      mustNot: [{ hasId: [1, '0191a0b2-7c4d-4e11-9f00-0123456789ab'] }],
      minShould: { conditions: [{ key: 'c', range: { gte: 1 } }], minCount: 1 },
    }
    const node = parseFilter(filter, context)
    const ops = node?.op === 'and' ? node.children.map((child) => child.op) : []
    expect(ops).toEqual(['hasVector', 'or', 'not', 'atLeast'])
  })

  it('reads large numbers as the integers in their JSON text', () => {
    const match = (value: unknown) => parseFilter({ must: { key: 'a', match: { value } } }, context)
    expect(match(2 ** 60)).toMatchObject({ values: { integers: [1152921504606847000n] } })
    expect(match(2n ** 63n - 1n)).toMatchObject({ values: { integers: [2n ** 63n - 1n] } })
  })

  it('takes time bounds as microseconds', () => {
    const filter = { must: { key: 'a', range: { gte: '1970-01-01T00:00:01Z', lt: '1970-01-02' } } }
    expect(parseFilter(filter, context)).toMatchObject({
      op: 'dateRange',
      bounds: { gte: 1_000_000n, lt: 86_400_000_000n },
    })
  })

  it.each(REFUSED.map(([filter, expected]) => [expected, filter]))('refuses: %s', (expected, filter) => {
    expect(refusal(filter).slice(0, expected.length)).toBe(expected)
  })

  it('refuses 10,000 levels in both ways of nesting, and accepts the limit', () => {
    const clause = (inner: unknown) => ({ must: [inner] })
    const object = (inner: unknown) => ({ must: { nested: { key: 'a', filter: inner } } })
    const tooDeep = `INVALID_ARGUMENT filter: expected at most ${LIMITS.filterDepth} nested levels`
    expect(refusal(nested(10_000, clause))).toBe(tooDeep)
    expect(refusal(nested(10_000, object))).toBe(tooDeep)
    expect(refusal(nested(LIMITS.filterDepth, clause))).toBe('accepted')
    expect(refusal(nested(LIMITS.filterDepth + 1, clause))).toBe(tooDeep)
  })

  it('bounds conditions', () => {
    const many = <T>(count: number, value: T) => new Array<T>(count).fill(value)
    const condition = { hasVector: 'text' }
    expect(refusal({ must: many(LIMITS.filterConditions, condition) })).toBe('accepted')
    expect(refusal({ must: many(LIMITS.filterConditions + 1, condition) })).toMatch(/expected at most 65536 conditions/)
  })

  it('takes lists of any length', () => {
    const many = 200_000
    expect(refusal({ must: { hasId: Array.from({ length: many }, (_, at) => at) } })).toBe('accepted')
    expect(refusal({ must: { key: 'a', match: { any: Array.from({ length: many }, String) } } })).toBe('accepted')
  })

  it('accepts as much text and as many points as the limits allow', () => {
    const text = 'x'.repeat(LIMITS.filterTextLength)
    expect(refusal({ must: { key: 'a', match: { text } } })).toBe('accepted')
    const exterior = ring(LIMITS.geoPolygonPoints)
    expect(refusal({ must: { key: 'a', geoPolygon: { exterior } } })).toBe('accepted')
    expect(refusal({ must: { slice: { total: 2 ** 32 - 1, index: 2 ** 32 - 2 } } })).toBe('accepted')
  })

  it('answers any value with a program, null or a refusal that names a field', () => {
    const word = fc.constantFrom(
      'must',
      'should',
      'mustNot',
      'minShould',
      'key',
      'match',
      'range',
      'any',
      'nested',
      'lt',
      'geoPolygon',
      'exterior',
      'points',
      'geoRadius',
      'center',
      'lon',
      'lat',
      'radius',
      'slice',
      'total',
      'index',
      'text',
      'prefix',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(word, tie('tree')),
      ),
    }))
    fc.assert(
      fc.property(tree, (filter) => {
        expect(refusal(filter)).toMatch(/^(accepted|INVALID_ARGUMENT filter)/)
      }),
      { numRuns: 500 },
    )
    expect(Object.hasOwn(Object.prototype, 'must')).toBe(false)
  })
})
