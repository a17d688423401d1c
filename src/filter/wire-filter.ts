/** Filters and formulas in bodies of the service. */
import { Filter } from '../core/filter.js'
import { Expression } from '../core/formula.js'
import type { Place } from '../core/vocabulary/place.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { readBy } from '../core/vocabulary/reader.js'
import type { Reading } from '../core/vocabulary/reading.js'
import { FilterParser, filtersRead, postponed } from './parse.js'
import { isLargeFilter } from './parse-in-turns.js'

/**
 * Checks a filter as far as no collection is needed, and keeps what was read for the engine. The engine reads a large
 * one in turns, and its errors name the place that is kept here.
 */
function readWireFilter(value: unknown, place: Place, reading: Reading): Filter {
  if (!isPlain(value)) throw reading.mistyped(place, 'an object', value ?? null)
  const start = { place, reading }
  if (isLargeFilter(value)) postponed.set(value, start)
  else filtersRead.set(value, new FilterParser(start).whole(value))
  return value as Filter
}

readBy(Filter, (value, place, reading) => {
  if (reading.face === 'library') return value
  return readWireFilter(value, place ?? { parent: null, key: reading.whole }, reading)
})

/** The engine reads formulas; its errors name the place that is kept here. */
readBy(Expression, (value, place, reading) => {
  if (reading.face === 'library' || typeof value === 'number' || typeof value === 'string') return value
  if (!isPlain(value)) throw reading.mistyped(place, 'a number, a variable, a condition or an operation', value ?? null)
  postponed.set(value, { place: place ?? { parent: null, key: reading.whole }, reading })
  return value
})
