/** The keys of declared objects in both spellings, for readers written by hand. */
import type { TObject } from 'typebox'
import { describeValue, type VicinalError } from '../errors.js'
import type { Place } from './place.js'
import { letters, snakeCase } from './spelling.js'

/** The options of a reading (`Reading`). */
interface Reading {
  readonly face: 'library' | 'wire'
  mistyped(place: Place | null, expected: string, seen?: unknown): VicinalError
}

export class Keys {
  readonly #names: readonly string[]
  /** The library's name by either spelling. */
  readonly #nameOf = new Map<string, string>()
  readonly #wire: ReadonlySet<string>
  /** Names that the wire spells in another way, with its spelling. */
  readonly #twofold: readonly (readonly [name: string, wire: string])[]

  /** The keys of several objects: a value is one of them. */
  constructor(...declared: readonly Pick<TObject, 'properties'>[]) {
    this.#names = [...new Set(declared.flatMap(({ properties }) => Object.keys(properties)))]
    for (const name of this.#names) for (const spelling of Keys.spellings(name)) this.#nameOf.set(spelling, name)
    this.#wire = new Set(this.#names.map(snakeCase))
    this.#twofold = this.#names.map(Keys.spellings).filter(([name, wire]) => name !== wire)
  }

  static spellings(name: string): readonly [library: string, wire: string] {
    return [name, snakeCase(name)]
  }

  /** The library's name of a key in either spelling. */
  nameOf(key: string): string | undefined {
    return this.#nameOf.get(key)
  }

  /** Refuses unknown keys, and a name in both spellings. undefined says nothing, whatever its key. */
  check(value: object, place: Place | null, reading: Reading): void {
    const known = reading.face === 'wire' ? this.#wire : this.#nameOf
    const given = value as Readonly<Record<string, unknown>>
    for (const key of Object.keys(value)) {
      if (!known.has(key) && given[key] !== undefined) throw this.#unknown(key, place, reading)
    }
    if (reading.face === 'wire') return
    for (const [name, wire] of this.#twofold) {
      if (given[name] === undefined || given[wire] === undefined) continue
      throw reading.mistyped({ parent: place, key: name }, `one spelling, got ${name} and ${wire}`)
    }
  }

  #unknown(key: string, place: Place | null, reading: Reading) {
    const spell = reading.face === 'wire' ? snakeCase : (name: string) => name
    const meant = this.#names.find((name) => letters(name) === letters(key))
    const help = meant === undefined ? `one of ${this.#names.map(spell).join(', ')}` : `did you mean ${spell(meant)}?`
    // A key may be as long as a body, so the message has only its beginning.
    const short = describeValue(key).slice(1, -1)
    return reading.mistyped({ parent: place, key: short }, `a known key: ${help}`)
  }
}
