/** Objects of untrusted filters and formulas, by the declared keys of either spelling. */
import type { Keys } from '../core/vocabulary/keys.js'
import type { Place } from '../core/vocabulary/place.js'
import { isPlain } from '../core/vocabulary/plain.js'
import type { Reading } from '../core/vocabulary/reading.js'
import { snakeCase } from '../core/vocabulary/spelling.js'

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

const wireNames = new Map<string, string>()

/** `name` is the library's. */
function wireName(name: string): string {
  let wire = wireNames.get(name)
  if (wire === undefined) {
    wire = snakeCase(name)
    wireNames.set(name, wire)
  }
  return wire
}

/** The value of a name in either spelling. */
export function given(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return value[name] ?? value[wireName(name)]
}

/** An object whose keys are known. */
export class Fields {
  readonly value: Readonly<Record<string, unknown>>
  readonly place: Place
  readonly reading: Reading

  constructor(value: Readonly<Record<string, unknown>>, place: Place, reading: Reading) {
    this.value = value
    this.place = place
    this.reading = reading
  }

  get(name: string): unknown {
    return this.reading.face === 'wire' ? this.value[wireName(name)] : given(this.value, name)
  }

  /** The place of a name, as the caller wrote it. */
  at(name: string): Place {
    const wire = wireName(name)
    const isWires = this.value[wire] !== undefined || (this.reading.face === 'wire' && this.value[name] === undefined)
    return { parent: this.place, key: isWires ? wire : name }
  }
}

/** The object at a place, with no key but these. */
export function fieldsAt(value: unknown, keys: Keys, place: Place, reading: Reading): Fields {
  if (!isPlain(value)) throw reading.mistyped(place, 'an object', value ?? null)
  keys.check(value, place, reading)
  return new Fields(value, place, reading)
}

export function finiteAt(value: unknown, place: Place, reading: Reading): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw reading.mistyped(place, 'a finite number', value ?? null)
}
