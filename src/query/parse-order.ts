import { invalid } from '../core/errors.js'
import { parseDateTime } from '../filter/date-time.js'
import { parsePath } from '../filter/path.js'
import type { Order } from './plan.js'

/** Parses a key, or `{ key, direction, startFrom }`. */
export function orderOf(value: unknown, field: string): Order {
  if (typeof value === 'string') return { key: value, path: parsePath(value, field), descending: false, from: null }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(field, 'expected a payload key, or an object with one', value)
  }
  const { key, direction, startFrom } = value as Readonly<Record<string, unknown>>
  if (direction !== undefined && direction !== null && direction !== 'asc' && direction !== 'desc') {
    throw invalid(`${field}.direction`, 'expected one of asc, desc', direction)
  }
  return {
    key: key as string,
    path: parsePath(key, `${field}.key`),
    descending: direction === 'desc',
    from: startOf(startFrom, `${field}.start_from`),
  }
}

function startOf(value: unknown, field: string): number | bigint | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return value
  const micros = typeof value === 'string' ? parseDateTime(value) : null
  if (micros === null) throw invalid(field, 'expected a number or an RFC 3339 date-time', value)
  return micros
}
