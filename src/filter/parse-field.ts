import { dateText } from '../core/date-text.js'
import { invalid } from '../core/errors.js'
import { parseDateTime } from './date-time.js'
import { checkKeys, type Fields, finiteAt, isSet, objectAt } from './fields.js'
import type { Bounds, FilterNode } from './node.js'
import { geoBox, geoCircle, geoPolygon } from './parse-geo.js'
import { match } from './parse-match.js'
import { type PathStep, parsePath } from './path.js'

const CHECKS = [
  'match',
  'range',
  'geo_bounding_box',
  'geo_radius',
  'geo_polygon',
  'values_count',
  'is_empty',
  'is_null',
] as const
const KEYS = ['key', ...CHECKS]
const BOUND_NAMES = ['lt', 'lte', 'gt', 'gte'] as const

type BoundName = (typeof BOUND_NAMES)[number]

/** A condition on the values at `key`. Several checks are joined by OR, as in Qdrant. */
export function fieldCondition(condition: Fields, field: string): FilterNode {
  checkKeys(condition, KEYS, field)
  const path = parsePath(condition.key, `${field}.key`)
  const children: FilterNode[] = []
  for (const name of CHECKS) {
    const value = condition[name]
    if (isSet(value)) children.push(check(name, value, path, `${field}.${name}`))
  }
  if (children.length === 0) throw invalid(field, `expected one of ${CHECKS.join(', ')} beside key`)
  return children.length === 1 ? (children[0] as FilterNode) : { op: 'or', children }
}

function check(name: (typeof CHECKS)[number], value: unknown, path: PathStep[], field: string): FilterNode {
  switch (name) {
    case 'match':
      return match(value, path, field)
    case 'range':
      return range(value, path, field)
    case 'geo_bounding_box':
      return { op: 'geo', path, area: geoBox(value, field) }
    case 'geo_radius':
      return { op: 'geo', path, area: geoCircle(value, field) }
    case 'geo_polygon':
      return { op: 'geo', path, area: geoPolygon(value, field) }
    case 'values_count':
      return { op: 'count', path, bounds: countBounds(value, field) }
    case 'is_empty':
      return truth(value, { op: 'isEmpty', path }, field)
    case 'is_null':
      return truth(value, { op: 'hasNull', path }, field)
  }
}

function truth(value: unknown, child: FilterNode, field: string): FilterNode {
  if (typeof value !== 'boolean') throw invalid(field, 'expected a boolean', value)
  return value ? child : { op: 'not', child }
}

function range(value: unknown, path: PathStep[], field: string): FilterNode {
  const bounds = withTexts(boundFields(value, field), field)
  const { lt, lte, gt, gte } = bounds
  if (typeof lt === 'string' || typeof lte === 'string' || typeof gt === 'string' || typeof gte === 'string') {
    return {
      op: 'dateRange',
      path,
      bounds: readBounds(bounds, (bound, name) => microseconds(bound, `${field}.${name}`)),
    }
  }
  return { op: 'range', path, bounds: readBounds(bounds, (bound, name) => finiteAt(bound, `${field}.${name}`)) }
}

/** Dates as the date-times they are. */
function withTexts(bounds: Fields, field: string): Fields {
  if (!BOUND_NAMES.some((name) => bounds[name] instanceof Date)) return bounds
  const texts = Object.entries(bounds).map(([name, bound]) => {
    return [name, bound instanceof Date ? dateText(bound, `${field}.${name}`) : bound]
  })
  return Object.fromEntries(texts) as Fields
}

function countBounds(value: unknown, field: string): Bounds {
  return readBounds(boundFields(value, field), (bound, name) => {
    const count = finiteAt(bound, `${field}.${name}`)
    if (!Number.isSafeInteger(count) || count < 0) {
      throw invalid(`${field}.${name}`, 'expected an integer that is not negative', bound)
    }
    return count
  })
}

function microseconds(bound: unknown, field: string): bigint {
  const micros = typeof bound === 'string' ? parseDateTime(bound) : null
  if (micros === null) throw invalid(field, 'expected an RFC 3339 date-time, as in the other bounds', bound)
  return micros
}

function readBounds({ lt, lte, gt, gte }: Fields, read: (bound: unknown, name: BoundName) => number | bigint): Bounds {
  const one = (bound: unknown, name: BoundName) => (isSet(bound) ? read(bound, name) : null)
  return { lt: one(lt, 'lt'), lte: one(lte, 'lte'), gt: one(gt, 'gt'), gte: one(gte, 'gte') }
}

function boundFields(value: unknown, field: string): Fields {
  const bounds = objectAt(value, field)
  checkKeys(bounds, BOUND_NAMES, field)
  return bounds
}
