import { describeValue, invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { encodeIds } from '../core/point.js'
import { parseDateTime } from './date-time.js'
import { type PathStep, parsePath } from './path.js'

/** A filter as the kernel evaluates it: validated, defaults filled in, one operator a node. */
export type FilterNode =
  | { op: 'and' | 'or'; children: FilterNode[] }
  | { op: 'not'; child: FilterNode }
  | { op: 'atLeast'; count: number; children: FilterNode[] }
  | { op: 'match' | 'except'; path: PathStep[]; values: MatchValues }
  | { op: 'range' | 'dateRange' | 'count'; path: PathStep[]; bounds: Bounds }
  | { op: 'isEmpty' | 'isNull'; path: PathStep[] }
  | { op: 'hasId'; ids: Uint32Array }
  | { op: 'hasVector'; vector: number }
  | { op: 'nested'; path: PathStep[]; child: FilterNode }

export interface MatchValues {
  texts: string[]
  integers: bigint[]
  booleans: boolean[]
}

/** Microseconds since the epoch for dates. */
export interface Bounds {
  lt: number | bigint | null
  lte: number | bigint | null
  gt: number | bigint | null
  gte: number | bigint | null
}

export interface FilterContext {
  /** Names of the collection's vectors, in the kernel's order. */
  vectorNames: readonly string[]
}

const CLAUSES = ['must', 'should', 'must_not', 'min_should']
const FIELD_KEYS = ['key', 'match', 'range', 'values_count', 'is_empty', 'is_null', 'geo_bounding_box', 'geo_radius', 'geo_polygon']
const UNSUPPORTED = ['geo_bounding_box', 'geo_radius', 'geo_polygon']
const BOUND_NAMES = ['lt', 'lte', 'gt', 'gte'] as const
const MIN_I64 = -(2n ** 63n)
const MAX_I64 = 2n ** 63n - 1n

type Fields = Record<string, unknown>

/** Checks an untrusted filter; null where it says nothing. Errors name the place: `filter.must[2].match.value`. */
export function parseFilter(filter: unknown, context: FilterContext): FilterNode | null {
  const parser = new FilterParser(context)
  const node = parser.filter(filter, 'filter', 0)
  return node.op === 'and' && node.children.length === 0 ? null : node
}

class FilterParser {
  readonly #context: FilterContext
  #conditions = 0

  constructor(context: FilterContext) {
    this.#context = context
  }

  filter(value: unknown, field: string, depth: number): FilterNode {
    const clauses = this.#object(value, field, depth)
    const unknown = Object.keys(clauses).find((key) => !CLAUSES.includes(key))
    if (unknown !== undefined) throw invalid(`${field}.${describeValue(unknown).slice(1, -1)}`, `expected one of ${CLAUSES.join(', ')}`)
    const children = this.#list(clauses.must, `${field}.must`, depth)
    const should = this.#list(clauses.should, `${field}.should`, depth)
    if (should.length > 0) children.push({ op: 'or', children: should })
    for (const child of this.#list(clauses.must_not, `${field}.must_not`, depth)) children.push({ op: 'not', child })
    if (clauses.min_should !== undefined && clauses.min_should !== null) {
      children.push(this.#minShould(clauses.min_should, `${field}.min_should`, depth))
    }
    return children.length === 1 ? (children[0] as FilterNode) : { op: 'and', children }
  }

  #minShould(value: unknown, field: string, depth: number): FilterNode {
    const { conditions, min_count: count } = this.#object(value, field, depth)
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > LIMITS.filterConditions) {
      throw invalid(`${field}.min_count`, `expected an integer from 0 to ${LIMITS.filterConditions}`, count)
    }
    if (!Array.isArray(conditions)) throw invalid(`${field}.conditions`, 'expected an array of conditions', conditions)
    return { op: 'atLeast', count, children: this.#list(conditions, `${field}.conditions`, depth) }
  }

  /** A clause is one condition or an array of them; null and absent say nothing. */
  #list(value: unknown, field: string, depth: number): FilterNode[] {
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) return [this.#condition(value, field, depth + 1)]
    return value.map((condition, i) => this.#condition(condition, `${field}[${i}]`, depth + 1))
  }

  #condition(value: unknown, field: string, depth: number): FilterNode {
    if (++this.#conditions > LIMITS.filterConditions) {
      throw invalid('filter', `expected at most ${LIMITS.filterConditions} conditions`, this.#conditions)
    }
    const condition = this.#object(value, field, depth)
    if ('key' in condition) return fieldCondition(condition, field)
    if ('has_id' in condition) return this.#only(condition, 'has_id', field, () => hasId(condition.has_id, `${field}.has_id`))
    if ('has_vector' in condition) return this.#only(condition, 'has_vector', field, () => this.#hasVector(condition.has_vector, field))
    if ('is_empty' in condition) return this.#only(condition, 'is_empty', field, () => keyed('isEmpty', condition.is_empty, `${field}.is_empty`))
    if ('is_null' in condition) return this.#only(condition, 'is_null', field, () => keyed('isNull', condition.is_null, `${field}.is_null`))
    if ('nested' in condition) return this.#only(condition, 'nested', field, () => this.#nested(condition.nested, `${field}.nested`, depth))
    if (CLAUSES.some((clause) => clause in condition) || Object.keys(condition).length === 0) return this.filter(condition, field, depth)
    throw invalid(field, 'expected a condition (key, has_id, has_vector, is_empty, is_null, nested) or a filter', Object.keys(condition)[0])
  }

  #only(condition: Fields, key: string, field: string, make: () => FilterNode): FilterNode {
    const other = Object.keys(condition).find((name) => name !== key)
    if (other !== undefined) throw invalid(field, `expected nothing beside ${key}`, other)
    return make()
  }

  #nested(value: unknown, field: string, depth: number): FilterNode {
    const { key, filter } = this.#object(value, field, depth)
    return { op: 'nested', path: parsePath(key, `${field}.key`), child: this.filter(filter, `${field}.filter`, depth + 1) }
  }

  #hasVector(name: unknown, field: string): FilterNode {
    const vector = this.#context.vectorNames.indexOf(name as string)
    if (vector < 0) throw invalid(`${field}.has_vector`, 'Not existing vector name', name)
    return { op: 'hasVector', vector }
  }

  #object(value: unknown, field: string, depth: number): Fields {
    if (depth > LIMITS.filterDepth) throw invalid('filter', `expected at most ${LIMITS.filterDepth} nested levels`)
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid(field, 'expected an object', value)
    return value as Fields
  }
}

function keyed(op: 'isEmpty' | 'isNull', value: unknown, field: string): FilterNode {
  return { op, path: parsePath((value as Fields | null)?.key, `${field}.key`) }
}

function hasId(value: unknown, field: string): FilterNode {
  if (!Array.isArray(value)) throw invalid(field, 'expected an array of ids', value)
  if (value.length > LIMITS.filterValues) throw invalid(field, `expected at most ${LIMITS.filterValues} ids`, value.length)
  return { op: 'hasId', ids: encodeIds(value, field) }
}

/** Several checks of one field are alternatives, as they are in Qdrant. */
function fieldCondition(condition: Fields, field: string): FilterNode {
  const unknown = Object.keys(condition).find((name) => !FIELD_KEYS.includes(name))
  if (unknown !== undefined) throw invalid(`${field}.${describeValue(unknown).slice(1, -1)}`, `expected one of ${FIELD_KEYS.join(', ')}`)
  const unsupported = UNSUPPORTED.find((name) => isSet(condition[name]))
  if (unsupported) throw invalid(`${field}.${unsupported}`, 'expected a condition that this version supports; geo conditions are not yet')
  const path = parsePath(condition.key, `${field}.key`)
  const checks: FilterNode[] = []
  if (isSet(condition.match)) checks.push(match(condition.match, path, `${field}.match`))
  if (isSet(condition.range)) checks.push(range(condition.range, path, `${field}.range`))
  if (isSet(condition.values_count)) {
    checks.push({ op: 'count', path, bounds: numberBounds(condition.values_count, `${field}.values_count`) })
  }
  if (isSet(condition.is_empty)) checks.push(truth(condition.is_empty, { op: 'isEmpty', path }, `${field}.is_empty`))
  if (isSet(condition.is_null)) checks.push(truth(condition.is_null, { op: 'isNull', path }, `${field}.is_null`))
  if (checks.length === 0) throw invalid(field, 'expected match, range, values_count, is_empty or is_null beside key')
  return checks.length === 1 ? (checks[0] as FilterNode) : { op: 'or', children: checks }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

function truth(value: unknown, child: FilterNode, field: string): FilterNode {
  if (typeof value !== 'boolean') throw invalid(field, 'expected a boolean', value)
  return value ? child : { op: 'not', child }
}

function match(value: unknown, path: PathStep[], field: string): FilterNode {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'expected an object', value)
  const [kind, ...others] = Object.keys(value)
  if (others.length > 0) throw invalid(field, 'expected one of value, any, except', others[0])
  const operand = (value as Fields)[kind as string]
  if (kind === 'value') return { op: 'match', path, values: matchValues([operand], `${field}.value`) }
  if (kind === 'any' || kind === 'except') {
    if (!Array.isArray(operand)) throw invalid(`${field}.${kind}`, 'expected an array of texts or integers', operand)
    if (operand.length > LIMITS.filterValues) throw invalid(`${field}.${kind}`, `expected at most ${LIMITS.filterValues} values`, operand.length)
    return { op: kind === 'any' ? 'match' : 'except', path, values: matchValues(operand, `${field}.${kind}`) }
  }
  throw invalid(field, 'expected value, any or except; text matching is not supported by this version', kind)
}

function matchValues(values: readonly unknown[], field: string): MatchValues {
  const found: MatchValues = { texts: [], integers: [], booleans: [] }
  for (const value of values) {
    if (typeof value === 'string') found.texts.push(value)
    else if (typeof value === 'boolean') found.booleans.push(value)
    else if (typeof value === 'bigint' && value >= MIN_I64 && value <= MAX_I64) found.integers.push(value)
    else if (typeof value === 'number' && Number.isSafeInteger(value)) found.integers.push(BigInt(value))
    else throw invalid(field, 'expected a text, a 64-bit integer or a boolean', value)
  }
  return found
}

function range(value: unknown, path: PathStep[], field: string): FilterNode {
  const texts = BOUND_NAMES.filter((name) => typeof (value as Fields | null)?.[name] === 'string')
  if (texts.length === 0) return { op: 'range', path, bounds: numberBounds(value, field) }
  const bounds = boundFields(value, field)
  const parse = (name: (typeof BOUND_NAMES)[number]): bigint | null => {
    const text = bounds[name]
    if (!isSet(text)) return null
    const micros = typeof text === 'string' ? parseDateTime(text) : null
    if (micros === null) throw invalid(`${field}.${name}`, 'expected an RFC 3339 date-time, as in the other bounds', text)
    return micros
  }
  return { op: 'dateRange', path, bounds: { lt: parse('lt'), lte: parse('lte'), gt: parse('gt'), gte: parse('gte') } }
}

function numberBounds(value: unknown, field: string): Bounds {
  const bounds = boundFields(value, field)
  const read = (name: (typeof BOUND_NAMES)[number]): number | null => {
    const bound = bounds[name]
    if (!isSet(bound)) return null
    const number = typeof bound === 'bigint' ? Number(bound) : bound
    if (typeof number !== 'number' || !Number.isFinite(number)) throw invalid(`${field}.${name}`, 'expected a finite number', bound)
    return number
  }
  return { lt: read('lt'), lte: read('lte'), gt: read('gt'), gte: read('gte') }
}

function boundFields(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'expected an object', value)
  const unknown = Object.keys(value).find((name) => !BOUND_NAMES.includes(name as never))
  if (unknown !== undefined) throw invalid(field, `expected ${BOUND_NAMES.join(', ')}`, unknown)
  return value as Fields
}
