/** Values inside queries that are read as a whole: vectors, ids, filters and formulas. Each face reads them in its way. */
import type { TSchema } from 'typebox'
import { VicinalError } from './errors.js'
import { Filter } from './filter.js'
import { Expression } from './formula.js'
import { type Document, isId, type MultiVector, type PointId, type SparseVector, type Vector } from './point.js'
import { opaque, optional, recursive } from './vocabulary/declare.js'
import { fieldOf, type Place } from './vocabulary/place.js'
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
  accepts: isId,
})

export const FilterOf = recursive<Filter>((): TSchema => Filter)
/** The same of an option that may be left out. */
export const filter = optional(recursive<Filter | null>((): TSchema => Filter))
export const FormulaOf = recursive<Expression>((): TSchema => Expression)

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
