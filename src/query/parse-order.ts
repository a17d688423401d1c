import { invalid } from '../core/errors.js'
import type { OrderBy } from '../core/query.js'
import { parseDateTime } from '../filter/date-time.js'
import { parsePath } from '../filter/path.js'
import type { Order } from './plan.js'

/** Parses a key, or `{ key, direction, startFrom }`, as its declaration reads it. */
export function orderOf(value: string | OrderBy, field: string): Order {
  if (typeof value === 'string') return { key: value, path: parsePath(value, field), descending: false, from: null }
  const { key, direction, startFrom } = value
  return {
    key,
    path: parsePath(key, `${field}.key`),
    descending: direction === 'desc',
    from: startOf(startFrom, `${field}.startFrom`),
  }
}

function startOf(value: OrderBy['startFrom'], field: string): number | bigint | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') return value
  const micros = parseDateTime(value)
  if (micros === null) throw invalid(field, 'expected a number or an RFC 3339 date-time', value)
  return micros
}
