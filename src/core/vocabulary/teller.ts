/** Tells values in the wire's spelling, by their declaration. */
import Type, { type TSchema } from 'typebox'
import type { Words } from './declare.js'
import { fits, isPlain } from './reader.js'
import { snakeCase } from './spelling.js'

type Tell = (value: unknown) => unknown

/** The same value with the wire's names; what is undefined is left out. `value` has been read by the same declaration. */
export function tell(schema: TSchema, value: unknown): unknown {
  return tellerOf(schema)(value)
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

function makeTeller(schema: TSchema): Tell {
  const { nested } = schema as Words
  if (nested) return (value) => tellerOf(nested.of())(value)
  if (Type.IsObject(schema)) {
    const names = Object.entries(schema.properties).map(
      ([name, property]) => [name, snakeCase(name), property] as const,
    )
    return (value) => {
      if (!isPlain(value)) return value
      const told: Record<string, unknown> = {}
      for (const [name, wire, property] of names) {
        if (value[name] !== undefined) told[wire] = tellerOf(property)(value[name])
      }
      return told
    }
  }
  if (Type.IsRecord(schema)) {
    const [values] = Object.values(schema.patternProperties) as [TSchema]
    return (value) => {
      if (!isPlain(value)) return value
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, tellerOf(values)(one)]))
    }
  }
  if (Type.IsArray(schema)) {
    const { items } = schema as unknown as { items: TSchema }
    return (value) => (Array.isArray(value) ? value.map((one) => tellerOf(items)(one)) : value)
  }
  if (Type.IsUnion(schema)) {
    const { anyOf, choose } = schema as { anyOf: TSchema[]; choose?: (value: unknown) => number }
    return (value) => {
      const branch = choose ? anyOf[choose(value)] : anyOf.find((one) => fits(one, value))
      return branch ? tellerOf(branch)(value) : value
    }
  }
  return (value) => value
}
