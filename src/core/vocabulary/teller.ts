/** Tells values in the wire's spelling, by their declaration. */
import Type, { type TSchema } from 'typebox'
import { dateText } from '../date-text.js'
import { LIMITS } from '../limits.js'
import { resolved, type Words } from './declare.js'
import { Keys } from './keys.js'
import type { Place } from './place.js'
import { fits, isPlain } from './reader.js'
import { Reading } from './reading.js'
import { snakeCase } from './spelling.js'

/** A union and its object are two steps; a formula within its own bound has four to a level. */
const MOST_STEPS = 4 * LIMITS.jsonDepth

/** `reading` is null of values that were read. Names of other values are checked, and nothing else. */
type Tell = (value: unknown, place: Place | null, reading: Reading | null, steps: number) => unknown

const tellers = new WeakMap<TSchema, Tell>()

/** The same value with the wire's names, without undefined values. `value` has been read by the same declaration. */
export function tell(schema: TSchema, value: unknown): unknown {
  return tellerOf(schema)(value, null, null, 0)
}

/** Tells a value that was not read. Throws on an unknown key, and on a name in both spellings. */
export function spelled(schema: TSchema): (value: unknown, place: Place | null, reading: Reading) => unknown {
  return (value, place, reading) => tellerOf(schema)(value, place, reading, 0)
}

function tellerOf(schema: TSchema): Tell {
  let teller = tellers.get(schema)
  if (teller === undefined) {
    teller = makeTeller(resolved(schema))
    tellers.set(schema, teller)
  }
  return teller
}

function makeTeller(schema: TSchema & Words): Tell {
  const { nested, isReadApart } = schema
  if (nested) return (...given) => tellerOf(nested.of())(...given)
  const tell = tellerOfType(schema)
  return (value, place, given, steps) => {
    const reading = given ?? (isReadApart ? new Reading('library', 'options') : null)
    if (steps <= MOST_STEPS) return tell(value, place, reading, steps + 1)
    // A value that holds itself is deeper than any bound.
    const whole = reading ?? new Reading('library', 'options')
    throw whole.mistyped(rootOf(place), `at most ${LIMITS.jsonDepth} nested levels`)
  }
}

function tellerOfType(schema: TSchema & Words): Tell {
  if (Type.IsObject(schema)) {
    const keys = new Keys(schema)
    const properties = new Map(
      Object.entries(schema.properties).map(([name, property]) => [name, { wire: snakeCase(name), property }]),
    )
    return (value, place, reading, steps) => {
      if (!isPlain(value)) return reading ? checkEncodable(value, place, reading) : value
      if (reading) keys.check(value, place, reading)
      const told: Record<string, unknown> = {}
      for (const key of Object.keys(value)) {
        const known = properties.get(keys.nameOf(key) ?? key)
        if (known === undefined || value[key] === undefined) continue
        told[known.wire] = tellerOf(known.property)(value[key], { parent: place, key }, reading, steps)
      }
      return told
    }
  }
  if (Type.IsRecord(schema)) {
    const [values] = Object.values(schema.patternProperties) as [TSchema]
    return (value, place, reading, steps) => {
      if (!isPlain(value)) return value
      const one = ([key, each]: [string, unknown]) =>
        [key, tellerOf(values)(each, { parent: place, key }, reading, steps)] as const
      return Object.fromEntries(Object.entries(value).map(one))
    }
  }
  if (Type.IsArray(schema)) {
    const { items } = schema as unknown as { items: TSchema }
    return (value, place, reading, steps) =>
      Array.isArray(value)
        ? value.map((one, key) => tellerOf(items)(one, { parent: place, key }, reading, steps))
        : value
  }
  if (Type.IsUnion(schema)) {
    const { anyOf, choose, tellingKeys } = schema as TSchema & Words & { anyOf: TSchema[] }
    return (value, place, reading, steps) => {
      const branch = choose ? anyOf[choose(value)] : anyOf.find((one) => fits(one, value))
      if (reading && isPlain(value) && branch === anyOf.at(-1)) tellingKeys?.().check(value, place, reading)
      return branch ? tellerOf(branch)(value, place, reading, steps) : value
    }
  }
  return (value, place, reading) =>
    reading && value instanceof Date ? reading.at(place, () => dateText(value, 'date')) : value
}

function rootOf(place: Place | null): Place | null {
  return place?.parent ? rootOf(place.parent) : place
}

/** A Map, a Set or a promise would travel as an empty object; other values are refused by the service. */
function checkEncodable(value: unknown, place: Place | null, reading: Reading): unknown {
  const isOdd = value !== null && typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value)
  if (isOdd) throw reading.mistyped(place, 'an object', value)
  return value
}
