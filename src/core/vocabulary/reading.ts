/**
 * One reading of a value from a caller: the face that it came by, and its faults. A value of the wrong type ends
 * the reading at once; values beyond their bounds are gathered, since the wire tells all of them together.
 */
import type { TSchema } from 'typebox'
import { describeValue, VicinalError } from '../errors.js'
import type { Nested } from './declare.js'
import { fieldOf, type Place, pathOf } from './place.js'
import { inWireWords } from './spelling.js'

/** `library`: options in camelCase, where the wire's spelling is understood too. `wire`: a body of the service. */
export type Face = 'library' | 'wire'

/** The part of a request that is read: a service names it in the first words of an error. */
export type Source = 'JSON body' | 'query parameters' | 'path parameters'

const CATEGORY = { 'JSON body': 'Format', 'query parameters': 'Deserialize', 'path parameters': 'Deserialize' } as const

/** A rule that a value of the right type breaks. */
export interface Violation {
  readonly place: Place | null
  /** The part of the value that breaks the rule, as the paths of the wire's violations name it. */
  readonly part?: string
  /** "an integer from 1 to 10", behind "expected". */
  readonly expected: string
  /** In the words of the wire. */
  readonly rule: string
  readonly seen: unknown
}

/** Reads a value at its place. */
export type Read = (value: unknown, place: Place | null, reading: Reading) => unknown

/** How a face reads opaque values, such as vectors: the value that it answers is taken instead. */
export type Leaves = ReadonlyMap<TSchema, Read>

export class Reading {
  readonly face: Face
  /** The name of the whole value, for an error that has no field. */
  readonly whole: string
  readonly leaves: Leaves | undefined
  /** Values in filters so far (src/filter/parse-in-turns.ts). */
  filterValues = 0
  readonly #source: Source
  readonly #violations: Violation[] = []
  #lacked: VicinalError | null = null
  #depth = 0
  #nested = 0

  constructor(face: Face, whole: string, leaves?: Leaves, source: Source = 'JSON body') {
    this.face = face
    this.whole = whole
    this.leaves = leaves
    this.#source = source
  }

  /** Reads a value of a declaration that holds itself, within its bounds. */
  descend(nested: Nested, place: Place | null, read: () => unknown): unknown {
    const { depth, inAll, what } = nested
    if (++this.#nested > inAll) throw this.mistyped(place, `at most ${inAll} ${what} in all`, this.#nested)
    if (++this.#depth > depth) throw this.mistyped(place, `at most ${depth} nested levels of ${what}`)
    const result = read()
    this.#depth -= 1
    return result
  }

  /** A value of the wrong type: 400 INVALID_ARGUMENT. */
  mistyped(place: Place | null, expected: string, seen?: unknown): VicinalError {
    return this.malformed(place, `expected ${expected}`, seen)
  }

  /** The same in a sentence of its own. */
  malformed(place: Place | null, sentence: string, seen?: unknown): VicinalError {
    const field = fieldOf(place, this.whole)
    const got = seen === undefined ? '' : `, got ${describeValue(seen)}`
    const isOnWire = this.face === 'wire'
    const before = isOnWire ? `${CATEGORY[this.#source]} error in ${this.#source}` : field
    const told = isOnWire ? inWireWords(sentence) : sentence
    return new VicinalError('INVALID_ARGUMENT', `${before}: ${told}${got}`, { details: { field } })
  }

  /** A property of Qdrant that this version lacks: 501. Without it the request would mean something else. */
  missing(place: Place): VicinalError {
    const field = fieldOf(place, this.whole)
    return new VicinalError('NOT_IMPLEMENTED', `${field}: not supported yet`, { details: { field } })
  }

  /** The result of a reader that knows no place. A value that it refuses is of the wrong type. */
  at<T>(place: Place | null, read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof VicinalError) || typeof error.details.field !== 'string') throw error
      throw this.malformed(place, error.message.slice(error.details.field.length + ': '.length))
    }
  }

  violates(violation: Violation): void {
    this.#violations.push(violation)
  }

  /** A property without which an object says nothing. It is told where all values are within their bounds. */
  lacks(place: Place, expected: string): void {
    this.#lacked ??= this.mistyped(place, expected)
  }

  /** Throws the gathered errors: values beyond their bounds (422), else a missing value (400). */
  end(): void {
    const [first] = this.#violations
    if (first === undefined) {
      if (this.#lacked) throw this.#lacked
      return
    }
    const field = fieldOf(first.place, this.whole)
    const message =
      this.face === 'wire'
        ? `Validation error in ${this.#source}: [${this.#violations.map(toldOnWire).join('; ')}]`
        : `${field}: expected ${first.expected}, got ${describeValue(first.seen)}`
    throw new VicinalError('INVALID_ARGUMENT', message, { details: { field }, status: 422 })
  }
}

function toldOnWire({ place, part, rule }: Violation): string {
  return `${pathOf(place)}${part === undefined ? '' : `.${part}`}: ${inWireWords(rule)}`
}
