/** Declared objects are read on both faces and told on the wire without a line of their own. */

import Type, { type TSchema } from 'typebox'
import { describe, expect, it } from 'vitest'
import { VicinalError } from '../../../../src/core/errors.js'
import { CollectionOptions, ConfigChange, HnswConfig, VectorNameConfig } from '../../../../src/core/schema.js'
import { integer, optional, type Words } from '../../../../src/core/vocabulary/declare.js'
import { read } from '../../../../src/core/vocabulary/reader.js'
import { tell } from '../../../../src/core/vocabulary/teller.js'
import fc from '../../../oracle/properties.js'

const SEED = Number(process.env.VICINAL_SEED ?? 36)

/** Values that a declaration allows, made from it alone. */
function valuesOf(schema: TSchema): fc.Arbitrary<unknown> {
  const { of, isNullable, accepts = () => true } = schema as TSchema & Words
  if (of) return isNullable ? fc.oneof(fc.constant(null), valuesOf(of())) : valuesOf(of())
  if (Type.IsArray(schema)) {
    const { items, minItems = 0 } = schema as unknown as { items: TSchema; minItems?: number }
    return fc.array(valuesOf(items), { minLength: minItems, maxLength: minItems + 2 })
  }
  if (Type.IsObject(schema)) {
    const { properties } = schema
    const requiredKeys = Object.keys(properties).filter((key) => !Type.IsOptional(properties[key] as TSchema))
    const values = Object.fromEntries(Object.entries(properties).map(([key, property]) => [key, valuesOf(property)]))
    return fc.record(values, { requiredKeys }).filter((value) => holds(schema, value))
  }
  if (Type.IsRecord(schema)) {
    const [values] = Object.values(schema.patternProperties) as [TSchema]
    return fc.dictionary(fc.constantFrom('a', 'snake_name', 'camelName'), valuesOf(values), { maxKeys: 2 })
  }
  if (Type.IsUnion(schema)) return fc.oneof(...schema.anyOf.map(valuesOf))
  if (Type.IsEnum(schema)) return fc.constantFrom(...schema.enum)
  if (Type.IsLiteral(schema)) return fc.constant(schema.const)
  if (Type.IsBoolean(schema)) return fc.boolean()
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = schema as { minimum?: number; maximum?: number }
  if (Type.IsInteger(schema)) return fc.integer({ min: minimum, max: maximum }).filter((value) => holds(schema, value))
  if (Type.IsNumber(schema)) return fc.double({ min: minimum, max: maximum, noNaN: true })
  if (Type.IsString(schema)) return fc.constant('snake_text')
  // An object of the caller's, which nobody respells.
  return fc.constantFrom(...[{ snake_key: 1, camelKey: [2] }, 'snake_text'].filter(accepts))
}

function holds(schema: TSchema, value: unknown): boolean {
  return (schema as { holds?: (value: unknown) => boolean }).holds?.(value) ?? true
}

describe.each([
  ['CollectionOptions', CollectionOptions],
  ['ConfigChange', ConfigChange],
  ['VectorNameConfig', VectorNameConfig],
])('%s', (_name, schema) => {
  it('is the same by the library, and on the wire and back', () => {
    fc.assert(
      fc.property(valuesOf(schema), (value) => {
        const options = read(schema, value, 'library')
        expect(options).toEqual(value)
        expect(read(schema, JSON.parse(JSON.stringify(tell(schema, options))), 'wire')).toEqual(value)
        expect(read(schema, tell(schema, options), 'library')).toEqual(value)
      }),
      { seed: SEED, numRuns: 300 },
    )
  })
})

describe('a value is refused', () => {
  const refusal = (value: unknown, face: 'library' | 'wire', schema: TSchema = HnswConfig) => {
    try {
      read(schema, value, face)
    } catch (error) {
      const { code, status, message, details } = error as VicinalError
      expect(error).toBeInstanceOf(VicinalError)
      expect(code).toBe('INVALID_ARGUMENT')
      return [status, message, details.field]
    }
    return null
  }

  it('of the wrong type: 400, at once', () => {
    expect(refusal({ efConstruct: '9' }, 'library')).toEqual([
      400,
      'efConstruct: expected an integer from 4 to 65536, got "9"',
      'efConstruct',
    ])
    expect(refusal({ ef_construct: '9' }, 'wire')).toEqual([
      400,
      'Format error in JSON body: expected an integer from 4 to 65536, got "9"',
      'ef_construct',
    ])
  })

  it('beyond its bounds: 422, and on the wire with all others', () => {
    expect(refusal({ ef_construct: 3, m: 1 }, 'library')?.slice(0, 2)).toEqual([
      422,
      'ef_construct: expected an integer from 4 to 65536, got 3',
    ])
    expect(refusal({ ef_construct: 3, m: 1 }, 'wire')?.slice(0, 2)).toEqual([
      422,
      'Validation error in JSON body: [ef_construct: value 3 invalid, must be from 4 to 65536; ' +
        'm: value 1 invalid, must be 0 for no graph, or an integer from 2 to 512]',
    ])
  })

  it('under a name of the caller: the wire does not repeat it', () => {
    const vectors = { secret_name: { size: 2, distance: 'Dot', hnsw_config: { ef_construct: 3 } } }
    const [, message, field] = refusal({ vectors }, 'wire', CollectionOptions) as [number, string, string]
    expect(message).toContain('[vectors.?.hnsw_config.ef_construct: value 3')
    expect(field).toBe('vectors.secret_name.hnsw_config.ef_construct')
  })

  it('in two spellings, or in one that nobody knows', () => {
    expect(refusal({ efConstruct: 9, ef_construct: 9 }, 'library')?.[1]).toMatch(/got efConstruct and ef_construct/)
    expect(refusal({ efconstruct: 9 }, 'library')?.[1]).toMatch(/did you mean efConstruct\?/)
    expect(refusal({ efConstruct: 'x', unknown: 1 }, 'wire')).toBeNull()
  })
})

it('null and undefined are absent, and no key of the prototype is read', () => {
  expect(read(HnswConfig, { m: null, efConstruct: undefined }, 'library')).toEqual({})
  const hostile = JSON.parse('{"vectors":{"__proto__":{"size":1,"distance":"Dot"}}}') as unknown
  const { vectors } = read(CollectionOptions, hostile, 'wire')
  expect(Object.keys(vectors ?? {})).toEqual(['__proto__'])
  expect(({} as { size?: number }).size).toBeUndefined()
})

it('a field that is added to a declaration is read and told', () => {
  const before = Type.Object({ first: optional(integer({ description: 'One.' })) })
  const after = Type.Object({ ...before.properties, newField: optional(integer({ description: 'Another.' })) })
  expect(tell(after, read(after, { newField: 3 }, 'library'))).toEqual({ new_field: 3 })
  expect(read(after, { new_field: 3 }, 'wire')).toEqual({ newField: 3 })
  expect(() => read(before, { newField: 3 }, 'library')).toThrow(/newField/)
})
