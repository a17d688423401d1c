/**
 * One reading of a value from a caller: which face it came by, and what is wrong with it. A value of the wrong type ends
 * the reading at once; values beyond their bounds are gathered, since the wire tells all of them together.
 */
import { describeValue, VicinalError } from '../errors.js'
import { fieldOf, type Place, pathOf } from './place.js'

/** `library`: options in camelCase, where the wire's spelling is understood too. `wire`: a body of the service. */
export type Face = 'library' | 'wire'

/** A rule that a value of the right type breaks. */
export interface Violation {
  readonly place: Place | null
  /** "an integer from 1 to 10", behind "expected". */
  readonly expected: string
  /** In the words of the wire. */
  readonly rule: string
  readonly seen: unknown
}

export class Reading {
  readonly face: Face
  /** The name of the whole value, for an error that has no field. */
  readonly whole: string
  readonly #violations: Violation[] = []

  constructor(face: Face, whole: string) {
    this.face = face
    this.whole = whole
  }

  /** A value of the wrong type: 400 INVALID_ARGUMENT. */
  mistyped(place: Place | null, expected: string, seen?: unknown): VicinalError {
    return this.malformed(place, `expected ${expected}`, seen)
  }

  /** The same in a sentence of its own. */
  malformed(place: Place | null, sentence: string, seen?: unknown): VicinalError {
    const field = fieldOf(place, this.whole)
    const got = seen === undefined ? '' : `, got ${describeValue(seen)}`
    const before = this.face === 'wire' ? 'Format error in JSON body' : field
    return new VicinalError('INVALID_ARGUMENT', `${before}: ${sentence}${got}`, { details: { field } })
  }

  /** The result of a reader that knows no place; what it refuses is of the wrong type. */
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

  /** Throws what was gathered: 422 INVALID_ARGUMENT. */
  end(): void {
    const [first] = this.#violations
    if (first === undefined) return
    const field = fieldOf(first.place, this.whole)
    const message =
      this.face === 'wire'
        ? `Validation error in JSON body: [${this.#violations.map(({ place, rule }) => `${pathOf(place)}: ${rule}`).join('; ')}]`
        : `${field}: expected ${first.expected}, got ${describeValue(first.seen)}`
    throw new VicinalError('INVALID_ARGUMENT', message, { details: { field }, status: 422 })
  }
}
