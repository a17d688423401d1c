/** Values with the names of the wire, by their declaration; nothing but names is read. */
import Type, { type TSchema } from 'typebox'
import { dateText } from '../date-text.js'
import { LIMITS } from '../limits.js'
import { resolved, type Words } from './declare.js'
import { Keys } from './keys.js'
import type { Place } from './place.js'
import { isPlain } from './plain.js'
import type { Reading } from './reading.js'
import { snakeCase } from './spelling.js'

/** A union and its object are two steps; a formula within its own bound has four to a level. */
const MOST_STEPS = 4 * LIMITS.jsonDepth

type Spell = (value: unknown, place: Place | null, reading: Reading, depth?: number) => unknown

const spellers = new WeakMap<TSchema, Spell>()

/** Spells values of the declaration. Throws on an unknown key, and on a name in both spellings. */
export function spelled(declared: TSchema): Spell {
  const schema = resolved(declared)
  let speller = spellers.get(schema)
  if (speller === undefined) {
    speller = bounded(spellerOf(schema))
    spellers.set(schema, speller)
  }
  return speller
}

/** A value that holds itself is deeper than any bound. */
function bounded(spell: Spell): Spell {
  return (value, place, reading, depth = 0) => {
    if (depth <= MOST_STEPS) return spell(value, place, reading, depth + 1)
    throw reading.mistyped(rootOf(place), `at most ${LIMITS.jsonDepth} nested levels`)
  }
}

function spellerOf(schema: TSchema & Words): Spell {
  if (Type.IsObject(schema)) {
    const keys = new Keys(schema)
    const { properties } = schema
    return (value, place, reading, depth) => {
      if (!isPlain(value)) return checkEncodable(value, place, reading)
      keys.check(value, place, reading)
      const told: Record<string, unknown> = {}
      for (const key of Object.keys(value)) {
        if (value[key] === undefined) continue
        const name = keys.nameOf(key) as string
        told[snakeCase(name)] = spelled(properties[name] as TSchema)(value[key], { parent: place, key }, reading, depth)
      }
      return told
    }
  }
  if (Type.IsArray(schema)) {
    const { items } = schema as unknown as { items: TSchema }
    return (value, place, reading, depth) =>
      Array.isArray(value)
        ? value.map((item, key) => spelled(items)(item, { parent: place, key }, reading, depth))
        : value
  }
  if (Type.IsUnion(schema)) {
    const { anyOf, choose, tellingKeys } = schema as TSchema & Words & { anyOf: TSchema[] }
    return (value, place, reading, depth) => {
      const branch = value !== null && typeof value === 'object' ? anyOf[choose?.(value) ?? -1] : undefined
      if (isPlain(value) && branch === anyOf.at(-1)) tellingKeys?.().check(value, place, reading)
      return branch ? spelled(branch)(value, place, reading, depth) : value
    }
  }
  return (value, place, reading) => (value instanceof Date ? reading.at(place, () => dateText(value, 'date')) : value)
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
