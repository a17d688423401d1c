/** The filters of the fault tests in their simplest form: payloads there hold scalars and objects, no arrays. */
import type { Condition, FieldCondition, Filter } from '../../src/core/filter.js'

export interface Filterable {
  id: unknown
  payload: Record<string, unknown>
  vectorNames: readonly string[]
}

export function matchesFilter(filter: Filter, point: Filterable): boolean {
  const holds = (condition: Condition) => matches(condition, point)
  const { min_should: atLeast } = filter
  const should = list(filter.should)
  return (
    list(filter.must).every(holds) &&
    !list(filter.must_not).some(holds) &&
    (should.length === 0 || should.some(holds)) &&
    (!atLeast || atLeast.conditions.filter(holds).length >= atLeast.min_count)
  )
}

function list(clause: Condition | readonly Condition[] | null | undefined): readonly Condition[] {
  if (clause === null || clause === undefined) return []
  return Array.isArray(clause) ? (clause as readonly Condition[]) : [clause as Condition]
}

function matches(condition: Condition, point: Filterable): boolean {
  if ('has_id' in condition) return condition.has_id.some((id) => String(id) === String(point.id))
  if ('has_vector' in condition) return point.vectorNames.includes(condition.has_vector)
  if ('is_empty' in condition && typeof condition.is_empty === 'object' && condition.is_empty) {
    const value = valueAt(point.payload, condition.is_empty.key)
    return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
  }
  if ('key' in condition) return matchesField(condition, valueAt(point.payload, condition.key))
  if ('nested' in condition || 'is_null' in condition) throw new Error(`the oracle has no ${JSON.stringify(condition)}`)
  return matchesFilter(condition as Filter, point)
}

function matchesField({ match, range }: FieldCondition, value: unknown): boolean {
  if (match) {
    if ('value' in match) return value === match.value
    if ('any' in match) return match.any.some((wanted) => value === wanted)
    throw new Error('the oracle has no match.except')
  }
  if (!range) throw new Error('the oracle has match and range only')
  if (typeof value !== 'number') return false
  const { lt, lte, gt, gte } = range as Record<string, number | null | undefined>
  return (
    (lt ?? Number.POSITIVE_INFINITY) > value &&
    (lte ?? Number.POSITIVE_INFINITY) >= value &&
    (gt ?? Number.NEGATIVE_INFINITY) < value &&
    (gte ?? Number.NEGATIVE_INFINITY) <= value
  )
}

function valueAt(payload: unknown, path: string): unknown {
  let value = payload
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
