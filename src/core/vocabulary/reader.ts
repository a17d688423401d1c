/** Reads values by their declaration: checks types, names and bounds, and answers the value with the library's names. */
import Type, { type Static, type TSchema } from 'typebox'
import { describeValue } from '../errors.js'
import { type Nested, resolved, type Words } from './declare.js'
import type { Place } from './place.js'
import { isPlain } from './plain.js'
import { type Face, type Leaves, type Read, Reading } from './reading.js'
import { floatText, letters, snakeCase } from './spelling.js'

export { isPlain }

type Declared = TSchema &
  Words & {
    readonly minimum?: number
    readonly maximum?: number
    readonly minItems?: number
    readonly maxItems?: number
    readonly maxProperties?: number
  }

/** The largest integer of 64 bits that a number has, and all of them. */
const MOST_COUNT = 2 ** 64
const MOST_COUNT_EXACT = 2n ** 64n

/**
 * The value as the declaration has it: library names, no unknown key, nothing that is null or undefined. On the wire
 * unknown keys are left out, as Qdrant does; in the library they are refused. `whole` names the value in errors.
 *
 * @throws INVALID_ARGUMENT: a value of the wrong type (400), or values beyond their bounds (422).
 */
export function read<T extends TSchema>(
  schema: T,
  value: unknown,
  face: Face,
  whole = 'options',
  leaves?: Leaves,
): Static<T> {
  return readAt(schema, value, null, new Reading(face, whole, leaves))
}

/** The same of a value that has a place, such as an argument with a name. */
export function readAt<T extends TSchema>(schema: T, value: unknown, place: Place | null, reading: Reading): Static<T> {
  const read = readerOf(schema)(value, place, reading)
  reading.end()
  return read as Static<T>
}

const readers = new WeakMap<TSchema, Read>()

export function readerOf(schema: TSchema): Read {
  let reader = readers.get(schema)
  if (reader === undefined) {
    reader = makeReader(resolved(schema) as Declared)
    readers.set(schema, reader)
  }
  return reader
}

const readersApart = new Map<string, Read>()

/** Has declarations of this name read by a reader written by hand. */
export function readBy(schema: TSchema, read: Read): void {
  readersApart.set((schema as { $id?: string }).$id as string, read)
}

function makeReader(schema: Declared): Read {
  const { $id: name, isReadApart } = schema as Declared & { $id?: string }
  if (name !== undefined && isReadApart) {
    return (value, place, reading) =>
      (reading.leaves?.get(schema) ?? readersApart.get(name))?.(value, place, reading) ?? value
  }
  if (schema.nested) return nestedReader(schema.nested)
  if (Type.IsObject(schema)) return objectReader(schema)
  if (Type.IsRecord(schema)) return recordReader(schema)
  if (Type.IsUnion(schema)) return unionReader(schema)
  if (Type.IsArray(schema)) return arrayReader(schema)
  if (Type.IsInteger(schema) || Type.IsNumber(schema)) return numberReader(schema)
  const choices = choicesOf(schema)
  if (choices !== null) return choiceReader(schema, choices)
  if (Type.IsBoolean(schema)) return plainReader(schema, (value) => typeof value === 'boolean', 'true or false')
  if (Type.IsString(schema)) return plainReader(schema, (value) => typeof value === 'string', 'a text')
  return opaqueReader(schema)
}

/** Each face has a way of its own to read an opaque value, or takes it as it is. */
function opaqueReader(schema: Declared): Read {
  const { accepts, expected = 'another value' } = schema
  return (value, place, reading) => {
    if (accepts !== undefined && !accepts(value)) throw reading.mistyped(place, expected, value ?? null)
    checkRule(schema, value, place, reading)
    const leaf = reading.leaves?.get(schema)
    return leaf ? leaf(value, place, reading) : value
  }
}

function nestedReader(nested: Nested): Read {
  return (value, place, reading) => {
    const read = readerOf(nested.of())
    return reading.descend(nested, place, () => read(value, place, reading))
  }
}

interface Property {
  readonly name: string
  readonly isOptional: boolean
  readonly isMissing: boolean
  readonly isNullable: boolean
  readonly read: Read
  readonly within: string | undefined
}

/** Asked for when it is used, since a declaration may hold itself. */
function later(schema: TSchema): Read {
  let read: Read | undefined
  return (value, place, reading) => {
    read ??= readerOf(schema)
    return read(value, place, reading)
  }
}

function objectReader(schema: Declared): Read {
  const properties = Object.entries((schema as Type.TObject).properties).map(([name, property]) => ({
    name,
    isOptional: Type.IsOptional(property),
    isMissing: (property as Declared).isMissing === true,
    isNullable: (property as Declared).isNullable === true,
    read: later(property),
    aliases: schema.aliases?.[name] ?? [],
    within: schema.within?.(name),
  }))
  const required = properties.filter(({ isOptional }) => !isOptional)
  const { lacks } = schema as { lacks?: (value: object) => string | undefined }
  const wire = new Map<string, Property>()
  const library = new Map<string, Property>()
  for (const property of properties) {
    for (const name of [snakeCase(property.name), ...property.aliases]) wire.set(name, property)
    if (!property.isMissing) library.set(property.name, property)
  }
  for (const [name, property] of wire) {
    if (!library.has(name) && !property.isMissing) library.set(name, property)
  }
  const names = properties.flatMap(({ name, isMissing }) => (isMissing ? [] : name))
  return (value, place, reading) => {
    if (!isPlain(value)) throw reading.mistyped(place, 'an object', value ?? null)
    const known = reading.face === 'wire' ? wire : library
    const result: Record<string, unknown> = {}
    for (const key of Object.keys(value)) {
      const given = value[key]
      if (given === undefined) continue
      const meant = schema.respell?.(key, given)
      const property = meant === undefined ? known.get(key) : library.get(meant)
      if (property === undefined) {
        if (reading.face === 'library') throw unknownKey(place, key, names, reading)
        continue
      }
      if (given === null && property.isOptional) {
        if (property.isNullable) result[property.name] = null
        continue
      }
      const at = { parent: place, key, within: property.within }
      if (property.isMissing) throw reading.missing(at)
      if (Object.hasOwn(result, property.name)) throw twice(value, known, { property, key, place }, reading)
      result[property.name] = property.read(given, at, reading)
    }
    for (const { name } of required) {
      if (Object.hasOwn(result, name)) continue
      const key = reading.face === 'wire' ? snakeCase(name) : name
      throw reading.mistyped({ parent: place, key }, 'a value', null)
    }
    const lacked = lacks?.(result)
    if (lacked !== undefined) reading.lacks({ parent: place, key: snakeCase(lacked) }, schema.expected as string)
    checkRule(schema, result, place, reading)
    return result
  }
}

function unknownKey(place: Place | null, key: string, names: readonly string[], reading: Reading) {
  const meant = names.find((name) => letters(name) === letters(key))
  const help = meant === undefined ? `one of ${names.join(', ')}` : `did you mean ${meant}?`
  // A key may be as long as a body, so the message has only its beginning.
  const short = describeValue(key).slice(1, -1)
  return reading.mistyped({ parent: place, key: short }, `a known option: ${help}`)
}

function twice(
  value: object,
  known: ReadonlyMap<string, Property>,
  { property, key, place }: { property: Property; key: string; place: Place | null },
  reading: Reading,
) {
  const spellings = Object.keys(value).filter((one) => known.get(one) === property)
  return reading.mistyped({ parent: place, key }, `one spelling, got ${spellings.join(' and ')}`)
}

function recordReader(schema: Declared): Read {
  const [values] = Object.values((schema as Type.TRecord).patternProperties) as [TSchema]
  const most = schema.maxProperties ?? Number.POSITIVE_INFINITY
  return (value, place, reading) => {
    if (!isPlain(value)) throw reading.mistyped(place, schema.expected ?? 'an object', value ?? null)
    const names = Object.keys(value)
    if (names.length > most) {
      reading.violates({
        place,
        expected: `at most ${most} names`,
        rule: `must be at most ${most} names`,
        seen: names.length,
      })
      return {}
    }
    const read = readerOf(values)
    // `__proto__` is a name like any other.
    return Object.fromEntries(
      names.map((key) => [key, read(value[key], { parent: place, key, isName: true }, reading)]),
    )
  }
}

function arrayReader(schema: Declared): Read {
  const { items } = schema as unknown as { items: TSchema }
  const { isOneOrMany, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
  const read = later(items)
  return (value, place, reading) => {
    const list: unknown = isOneOrMany && !Array.isArray(value) ? [value] : value
    if (!Array.isArray(list)) throw reading.mistyped(place, schema.expected ?? 'an array', value ?? null)
    if (list.length < minItems || list.length > maxItems) {
      const bound = list.length < minItems ? `at least ${minItems}` : `at most ${maxItems}`
      reading.violates({
        place,
        expected: `${bound} items`,
        rule: schema.rule ?? `must be ${bound} items`,
        seen: list.length,
      })
      return []
    }
    return list.map((item, key) => read(item, { parent: place, key }, reading))
  }
}

function unionReader(schema: Declared): Read {
  const branches = (schema as unknown as { anyOf: TSchema[] }).anyOf
  const { choose = (value: unknown) => branches.findIndex((branch) => fits(branch, value)) } = schema
  const { kinds, expected = branches.map(expectedOf).join(' or ') } = schema
  const isOfObjects = branches.every((branch) => Type.IsObject(branch))
  const expectedAs = (face: Face) =>
    kinds ? `exactly one of ${kinds.map((kind) => (face === 'wire' ? snakeCase(kind) : kind)).join(', ')}` : expected
  return (value, place, reading) => {
    if (isOfObjects && !isPlain(value)) throw reading.mistyped(place, 'an object', value ?? null)
    const branch = branches[choose(value)]
    if (branch === undefined) throw reading.mistyped(place, expectedAs(reading.face), value ?? null)
    const result = readerOf(branch)(value, place, reading)
    checkRule(schema, result, place, reading)
    return result
  }
}

/** Whether a value has the type of a declaration, as far as a union's branches differ. */
export function fits(schema: TSchema, value: unknown): boolean {
  if (Type.IsInteger(schema) || Type.IsNumber(schema)) return typeof value === 'number'
  if (Type.IsBoolean(schema)) return typeof value === 'boolean'
  if (Type.IsArray(schema)) return Array.isArray(value)
  if (Type.IsRecord(schema)) return isPlain(value)
  if (Type.IsUnion(schema)) return schema.anyOf.some((branch) => fits(branch, value))
  const choices = choicesOf(schema)
  if (choices !== null) return choices.includes(value as string)
  if (Type.IsString(schema)) return typeof value === 'string'
  const { accepts } = schema as Declared
  if (accepts !== undefined) return accepts(value)
  if (!Type.IsObject(schema)) return true
  if (!isPlain(value)) return false
  return (schema.required ?? []).every((name) => isGiven(value[name] ?? value[snakeCase(name)]))
}

function choicesOf(schema: TSchema): readonly string[] | null {
  if (Type.IsLiteral(schema)) return [schema.const as string]
  return Type.IsEnum(schema) ? (schema.enum as string[]) : null
}

function choiceReader(schema: Declared, choices: readonly string[]): Read {
  const expected = schema.expected ?? (choices.length === 1 ? `${choices[0]}` : `one of ${choices.join(', ')}`)
  return plainReader(schema, (value) => choices.includes(value as string), expected)
}

function plainReader(schema: Declared, isOf: (value: unknown) => boolean, expected: string): Read {
  return (value, place, reading) => {
    if (!isOf(value)) throw reading.mistyped(place, expected, value ?? null)
    checkRule(schema, value, place, reading)
    return value
  }
}

function numberReader(schema: Declared): Read {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
  const isWhole = Type.IsInteger(schema)
  const expected = expectedOf(schema)
  return (given, place, reading) => {
    const value = schema.isCount ? countOf(given) : numberOf(given)
    const isNumber = isWhole ? Number.isInteger(value) : Number.isFinite(value)
    if (typeof value !== 'number' || !isNumber) throw reading.mistyped(place, expected, value ?? null)
    if (schema.isCount && value > maximum) throw reading.mistyped(place, expected, value)
    // The wire's type has no room for it: unsigned, and without zero where that is said.
    const least = schema.isNonZero ? 1 : 0
    const isBeyond = value < minimum || value > maximum
    const isOfNoType = (isWhole && minimum >= 0 && value < least) || (isBeyond && schema.isOfType)
    if (isOfNoType && reading.face === 'wire') throw reading.mistyped(place, expected, value)
    const { holds } = schema as { holds?: (value: unknown) => boolean }
    if (isBeyond || holds?.(value) === false) {
      reading.violates({
        place,
        expected,
        rule: schema.rule ?? `value ${isWhole ? value : floatText(value)} invalid, ${boundOf(schema)}`,
        seen: value,
      })
    }
    return value
  }
}

/** Integers that a number holds exactly. */
function numberOf(value: unknown): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** Integers of 64 bits as numbers. */
function countOf(value: unknown): unknown {
  if (typeof value === 'number')
    return value > Number.MAX_SAFE_INTEGER && value < MOST_COUNT ? Number.MAX_SAFE_INTEGER : value
  if (typeof value !== 'bigint' || value < 0n || value >= MOST_COUNT_EXACT) return value
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER)
}

function expectedOf(schema: TSchema): string {
  const { expected, minimum, maximum } = schema as Declared
  if (expected !== undefined) return expected
  const choices = choicesOf(schema)
  if (choices !== null) return choices.join(', ')
  if (Type.IsBoolean(schema)) return 'true or false'
  if (Type.IsString(schema)) return 'a text'
  if (Type.IsArray(schema)) return 'an array'
  if (!Type.IsInteger(schema) && !Type.IsNumber(schema)) return 'an object'
  const kind = Type.IsInteger(schema) ? 'an integer' : 'a number'
  if (minimum === undefined) return maximum === undefined ? kind : `${kind} of at most ${maximum}`
  const isUnbounded = maximum === undefined || (maximum === Number.MAX_SAFE_INTEGER && (schema as Declared).isCount)
  return isUnbounded ? `${kind} of at least ${minimum}` : `${kind} from ${minimum} to ${maximum}`
}

/** In the wire's words. */
function boundOf(schema: Declared): string {
  const { minimum, maximum = Number.MAX_SAFE_INTEGER, expected } = schema
  if (expected !== undefined) return `must be ${expected}`
  const told = Type.IsInteger(schema) ? String : floatText
  if (minimum === undefined) return `must be ${told(maximum)} or smaller`
  const isUnbounded = maximum === Number.MAX_SAFE_INTEGER
  return isUnbounded ? `must be ${told(minimum)} or larger` : `must be from ${told(minimum)} to ${told(maximum)}`
}

function checkRule(schema: Declared, value: unknown, place: Place | null, reading: Reading): void {
  const { holds } = schema as { holds?: (value: unknown) => boolean }
  if (holds === undefined || holds(value)) return
  const { part, expected = 'another value', rule = `must be ${expected}` } = schema
  reading.violates({ place, ...(part === undefined ? {} : { part }), expected, rule, seen: value })
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
