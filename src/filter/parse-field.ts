import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { parseDateTime } from './date-time.js'
import { checkKeys, type Fields, isSet, notSupported, objectAt } from './fields.js'
import type { Bounds, FilterNode, MatchValues } from './node.js'
import { type PathStep, parsePath } from './path.js'

const CHECKS = ['match', 'range', 'values_count', 'is_empty', 'is_null']
const UNSUPPORTED_CHECKS = ['geo_bounding_box', 'geo_radius', 'geo_polygon']
const UNSUPPORTED_MATCHES = ['text', 'text_any', 'phrase', 'prefix']
const BOUND_NAMES = ['lt', 'lte', 'gt', 'gte'] as const
const MIN_I64 = -(2n ** 63n)
const MAX_I64 = 2n ** 63n - 1n
const INTEGER = /^-?\d+$/

type BoundName = (typeof BOUND_NAMES)[number]

/** A condition on the values at `key`: exactly one check, since several could mean AND to one and OR to another. */
export function fieldCondition(condition: Fields, field: string): FilterNode {
  checkKeys(condition, ['key', ...CHECKS, ...UNSUPPORTED_CHECKS], field)
  const unsupported = UNSUPPORTED_CHECKS.find((name) => isSet(condition[name]))
  if (unsupported) throw notSupported(`${field}.${unsupported}`)
  const path = parsePath(condition.key, `${field}.key`)
  const [check, ...others] = CHECKS.filter((name) => isSet(condition[name]))
  if (check === undefined || others.length > 0) {
    throw invalid(field, `expected exactly one of ${CHECKS.join(', ')} beside key`, [check, ...others].join(', '))
  }
  const value = condition[check]
  const at = `${field}.${check}`
  switch (check) {
    case 'match':
      return match(value, path, at)
    case 'range':
      return range(value, path, at)
    case 'values_count':
      return { op: 'count', path, bounds: countBounds(value, at) }
    case 'is_empty':
      return truth(value, { op: 'isEmpty', path }, at)
    default:
      return truth(value, { op: 'hasNull', path }, at)
  }
}

function truth(value: unknown, child: FilterNode, field: string): FilterNode {
  if (typeof value !== 'boolean') throw invalid(field, 'expected a boolean', value)
  return value ? child : { op: 'not', child }
}

function match(value: unknown, path: PathStep[], field: string): FilterNode {
  const operands = objectAt(value, field)
  const unsupported = UNSUPPORTED_MATCHES.find((name) => isSet(operands[name]))
  if (unsupported) throw notSupported(`${field}.${unsupported}`)
  checkKeys(operands, ['value', 'any', 'except'], field)
  const [kind, ...others] = Object.keys(operands)
  if (kind === undefined || others.length > 0) throw invalid(field, 'expected exactly one of value, any, except')
  const at = `${field}.${kind}`
  const operand = operands[kind]
  if (kind === 'value') {
    const values = noValues()
    if (typeof operand === 'boolean') values.booleans.push(operand)
    else addValue(operand, values, at, 'a text, a 64-bit integer or a boolean')
    return { op: 'match', path, values }
  }
  return { op: kind === 'any' ? 'match' : 'except', path, values: listedValues(operand, at) }
}

function listedValues(list: unknown, field: string): MatchValues {
  if (!Array.isArray(list)) throw invalid(field, 'expected an array of texts or of integers', list)
  if (list.length > LIMITS.filterValues) {
    throw invalid(field, `expected at most ${LIMITS.filterValues} values`, list.length)
  }
  const values = noValues()
  for (const [i, value] of list.entries()) addValue(value, values, `${field}[${i}]`, 'a text or a 64-bit integer')
  if (values.texts.length > 0 && values.integers.length > 0)
    throw invalid(field, 'expected only texts or only integers')
  return values
}

function noValues(): MatchValues {
  return { texts: [], integers: [], booleans: [] }
}

function addValue(value: unknown, into: MatchValues, field: string, expected: string): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw invalid(field, 'expected well-formed Unicode', value)
    into.texts.push(value)
    return
  }
  const integer = integerOf(value)
  if (integer === null) throw invalid(field, `expected ${expected}`, value)
  into.integers.push(integer)
}

/** A large number means the integer that JSON would write for it, for that is how payloads store it. */
function integerOf(value: unknown): bigint | null {
  if (typeof value !== 'bigint' && (typeof value !== 'number' || !INTEGER.test(String(value)))) return null
  const integer = BigInt(String(value))
  return integer >= MIN_I64 && integer <= MAX_I64 ? integer : null
}

function range(value: unknown, path: PathStep[], field: string): FilterNode {
  const bounds = boundFields(value, field)
  if (BOUND_NAMES.some((name) => typeof bounds[name] === 'string')) {
    return {
      op: 'dateRange',
      path,
      bounds: readBounds(bounds, (bound, name) => microseconds(bound, `${field}.${name}`)),
    }
  }
  return { op: 'range', path, bounds: readBounds(bounds, (bound, name) => finite(bound, `${field}.${name}`)) }
}

function countBounds(value: unknown, field: string): Bounds {
  return readBounds(boundFields(value, field), (bound, name) => {
    const count = finite(bound, `${field}.${name}`)
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

function finite(bound: unknown, field: string): number {
  const number = typeof bound === 'bigint' ? Number(bound) : bound
  if (typeof number !== 'number' || !Number.isFinite(number)) throw invalid(field, 'expected a finite number', bound)
  return number
}

function readBounds(bounds: Fields, read: (bound: unknown, name: BoundName) => number | bigint): Bounds {
  const one = (name: BoundName) => (isSet(bounds[name]) ? read(bounds[name], name) : null)
  return { lt: one('lt'), lte: one('lte'), gt: one('gt'), gte: one('gte') }
}

function boundFields(value: unknown, field: string): Fields {
  const bounds = objectAt(value, field)
  checkKeys(bounds, BOUND_NAMES, field)
  return bounds
}
