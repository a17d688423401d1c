/** Values inside queries that are read as a whole: vectors, ids, filters and formulas. Each face reads them in its way. */
import { VicinalError } from './errors.js'
import type { Condition, Filter } from './filter.js'
import type { Document, MultiVector, PointId, SparseVector, Vector } from './point.js'
import { opaque } from './vocabulary/declare.js'
import { fieldOf, type Place } from './vocabulary/place.js'
import { isPlain } from './vocabulary/reader.js'
import type { Read } from './vocabulary/reading.js'

/** A vector, or the id of a stored point, which stands for its vector and is then left out of the answer. */
export type VectorInput = Vector | MultiVector | SparseVector | Document | PointId

export const VectorInput = opaque<VectorInput>({
  $id: 'VectorInput',
  description:
    'A vector, several vectors, a sparse vector `{ indices, values }`, a text `{ text, model }`, or the id of a stored point. A vector may be a bin of little-endian float32.',
})

export const PointIdentity = opaque<PointId>({
  $id: 'PointId',
  description: 'An unsigned 64-bit integer, or a UUID.',
  expected: 'an unsigned 64-bit integer or a UUID',
  accepts: (value) => typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint',
})

export const FilterOf = opaque<Filter>({
  $id: 'Filter',
  description: 'Conditions: `must`, `should`, `must_not`, `min_should`.',
  type: 'object',
  expected: 'an object',
  accepts: isPlain,
})

/** A number, a variable (`$score`, `$score[1]` or a payload key), a condition (1 where it holds) or an operation. */
export type Expression =
  | number
  | string
  | Condition
  | { geo_distance: { origin: { lat: number; lon: number }; to: string } }
  | { datetime: string }
  | { datetime_key: string }
  | { mult: readonly Expression[] }
  | { sum: readonly Expression[] }
  | { neg: Expression }
  | { abs: Expression }
  | { div: { left: Expression; right: Expression; by_zero_default?: number | null } }
  | { sqrt: Expression }
  | { pow: { base: Expression; exponent: Expression } }
  | { exp: Expression }
  | { log10: Expression }
  | { ln: Expression }
  | { lin_decay: Decay }
  | { exp_decay: Decay }
  | { gauss_decay: Decay }
export interface Decay {
  x: Expression
  /** Default 0. */
  target?: Expression | null
  /** Default 1. */
  scale?: number | null
  /** Default 0.5. */
  midpoint?: number | null
}

export const FormulaOf = opaque<Expression>({
  $id: 'Expression',
  description: 'A number, a variable, a condition, or an operation.',
})

/**
 * Reads a value as `read` says, which answers undefined for a value that is taken as it is. The field is made where it
 * is asked for. On the wire a value of the wrong type has Qdrant's wording.
 */
export function leaf(read: (value: unknown, field: () => string) => unknown): Read {
  return (value, place, reading) => {
    try {
      return read(value, () => fieldAt(place, reading.whole)) ?? value
    } catch (error) {
      throw reading.face === 'wire' ? formatErrorOf(error) : error
    }
  }
}

function fieldAt(place: Place | null, whole: string): string {
  return fieldOf(place, whole)
}

function formatErrorOf(error: unknown): unknown {
  if (!(error instanceof VicinalError) || error.code !== 'INVALID_ARGUMENT') return error
  const { field } = error.details
  const sentence = error.message.startsWith(`${field}: `) ? error.message.slice(`${field}: `.length) : error.message
  return new VicinalError('INVALID_ARGUMENT', `Format error in JSON body: ${sentence}`, { details: error.details })
}
