/** Tells values in the wire's spelling, by their declaration. */
import Type, { type TSchema } from 'typebox'
import { resolved, type Words } from './declare.js'
import type { Place } from './place.js'
import { fits, isPlain } from './reader.js'
import { Reading } from './reading.js'
import { spelled } from './spelled.js'
import { snakeCase } from './spelling.js'

type Tell = (value: unknown, place: Place | null) => unknown

/** The same value with the wire's names, without undefined values. `value` has been read by the same declaration. */
export function tell(schema: TSchema, value: unknown): unknown {
  return tellerOf(schema)(value, null)
}

const tellers = new WeakMap<TSchema, Tell>()

function tellerOf(schema: TSchema): Tell {
  let teller = tellers.get(schema)
  if (teller === undefined) {
    teller = makeTeller(schema)
    tellers.set(schema, teller)
  }
  return teller
}

function makeTeller(declared: TSchema): Tell {
  const schema = resolved(declared) as TSchema & Words
  const { nested } = schema
  if (nested) return (value, place) => tellerOf(nested.of())(value, place)
  if (schema.isReadApart) return (value, place) => spelled(schema)(value, place, new Reading('library', 'options'))
  if (Type.IsObject(schema)) {
    const names = Object.entries(schema.properties).map(
      ([name, property]) => [name, snakeCase(name), property] as const,
    )
    return (value, place) => {
      if (!isPlain(value)) return value
      const told: Record<string, unknown> = {}
      for (const [name, wire, property] of names) {
        if (value[name] !== undefined) told[wire] = tellerOf(property)(value[name], { parent: place, key: name })
      }
      return told
    }
  }
  if (Type.IsRecord(schema)) {
    const [values] = Object.values(schema.patternProperties) as [TSchema]
    return (value, place) => {
      if (!isPlain(value)) return value
      const told = Object.entries(value).map(([key, one]) => [key, tellerOf(values)(one, { parent: place, key })])
      return Object.fromEntries(told)
    }
  }
  if (Type.IsArray(schema)) {
    const { items } = schema as unknown as { items: TSchema }
    return (value, place) =>
      Array.isArray(value) ? value.map((one, key) => tellerOf(items)(one, { parent: place, key })) : value
  }
  if (Type.IsUnion(schema)) {
    const { anyOf, choose } = schema as { anyOf: TSchema[]; choose?: (value: unknown) => number }
    return (value, place) => {
      const branch = choose ? anyOf[choose(value)] : anyOf.find((one) => fits(one, value))
      return branch ? tellerOf(branch)(value, place) : value
    }
  }
  return (value) => value
}
