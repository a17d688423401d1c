/**
 * How bodies of the service have the values that are read as a whole: vectors as numbers or bins, ids one by one or as a
 * bin, filters and formulas as far as no collection is needed.
 */

import { Filter } from '../core/filter.js'
import { Expression } from '../core/formula.js'
import type { MultiVector, NamedVector, PointId, SparseVector, Vector } from '../core/point.js'
import { Columns, PayloadValue, Points, PointUpdates } from '../core/point-changes.js'
import { FormulaDefaults } from '../core/query-kinds.js'
import { leaf, VectorInput } from '../core/query-leaves.js'
import { PointIds } from '../core/selector.js'
import { MAX_SPARSE_INDEX } from '../core/sparse.js'
import type { Place } from '../core/vocabulary/place.js'
import { readBy } from '../core/vocabulary/reader.js'
import type { Leaves, Read, Reading } from '../core/vocabulary/reading.js'
import { FilterParser, filtersRead, postponed } from '../filter/parse.js'
import { checkDefaults, checkFormula } from '../filter/parse-formula.js'
import { areLargeWith, isLargeFilter } from '../filter/parse-in-turns.js'
import { bytesAt, idAt, idsAt, isObject } from './fields.js'
import { columnsAt, namedVectorAt, payloadIn, pointsAt, updatesAt, vectorAt } from './points.js'
import { brokenRules, isListOfVectors } from './vector-shape.js'

const plainInput = leaf(inputOf)

export const WIRE_LEAVES: Leaves = new Map<object, Read>([
  [VectorInput, vectorInput],
  [PointIds, leaf((value, field) => Array.from(idsAt(value, field()) as ArrayLike<PointId>))],
  [Points, pointsAt],
  [PointUpdates, updatesAt],
  [Columns, columnsAt],
  [PayloadValue, payloadIn],
  [FormulaDefaults, defaultsIn],
]) as Leaves

function defaultsIn(value: unknown, place: Place | null, reading: Reading): unknown {
  if (place !== null) checkDefaults(value, place, reading)
  return value
}

/** A vector, or an id. Numbers are checked here, so that a wrong one is told before the collection is looked up. */
function vectorInput(value: unknown, place: Place | null, reading: Reading): unknown {
  if (value instanceof Float32Array) return value
  const input = plainInput(value, place, reading)
  if (input === null || typeof input !== 'object') return input
  checkNumbers(input as NamedVector, place, reading)
  for (const { part, rule } of brokenRules(input as NamedVector)) {
    reading.violates({ place, part, expected: `a vector: ${rule}`, rule, seen: input })
  }
  return input
}

/** Sparse vectors and texts to embed come as objects with keys of their own. */
function inputOf(value: unknown, field: () => string): VectorInput {
  if (bytesAt(value) || Array.isArray(value)) return vectorAt(value, field())
  return isObject(value) ? namedVectorAt(value, field()) : idAt(value, field())
}

function checkNumbers(vector: NamedVector, place: Place | null, reading: Reading): void {
  if (Array.isArray(vector)) {
    if (!isListOfVectors(vector)) checkEach(vector, isNumber, 'a number', place, reading)
    else {
      for (const [key, row] of (vector as MultiVector).entries()) {
        checkEach(row, isNumber, 'a number', { parent: place, key }, reading)
      }
    }
  } else if ('indices' in vector) {
    const { indices, values } = vector as SparseVector
    const expected = `an integer from 0 to ${MAX_SPARSE_INDEX}`
    checkEach(indices, isIndex, expected, { parent: place, key: 'indices' }, reading)
    checkEach(values, isNumber, 'a number', { parent: place, key: 'values' }, reading)
  }
}

/** Of a typed array every element is a number. */
function checkEach(
  list: Vector | Uint32Array,
  isOf: (value: unknown) => boolean,
  expected: string,
  place: Place | null,
  reading: Reading,
): void {
  if (!Array.isArray(list)) return
  const wrong = list.findIndex((value) => !isOf(value))
  if (wrong >= 0) throw reading.mistyped({ parent: place, key: wrong }, expected, list[wrong] ?? null)
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
}

function isIndex(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_SPARSE_INDEX
}

/**
 * Checks a filter as far as no collection is needed, and keeps the parts read for the engine. The engine reads a large
 * one in turns, and its errors name the place that is kept here.
 */
function readWireFilter(value: unknown, place: Place, reading: Reading): Filter {
  if (!isObject(value)) throw reading.mistyped(place, 'an object', value ?? null)
  const start = { place, reading }
  if (areLargeWith(value, reading)) postponed.set(value, start)
  else filtersRead.set(value, new FilterParser(start).whole(value))
  return value as Filter
}

readBy(Filter, (value, place, reading) => {
  if (reading.face === 'library') return value
  return readWireFilter(value, place ?? { parent: null, key: reading.whole }, reading)
})

/** The same of a formula. The engine reads it again for its collection. */
readBy(Expression, (value, place, reading) => {
  if (reading.face === 'library') return value
  const at = place ?? { parent: null, key: reading.whole }
  if (isObject(value)) postponed.set(value, { place: at, reading })
  if (!isLargeFilter(value)) checkFormula(value, at, reading)
  return value
})
