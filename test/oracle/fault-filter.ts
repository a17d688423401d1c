/** The filters of the fault tests in their simplest form: payloads there hold scalars and objects, no arrays. */
import type { Condition, FieldCondition, Filter } from '../../src/core/filter.js'

export interface Filterable {
  id: unknown
  payload: Record<string, unknown>
  vectorNames: readonly string[]
}

export function matchesFilter(filter: Filter, point: Filterable): boolean {
  const holds = (condition: Condition) => matches(condition, point)
  const { minShould: atLeast } = filter
  const should = list(filter.should)
  return (
    list(filter.must).every(holds) &&
    !list(filter.mustNot).some(holds) &&
    (should.length === 0 || should.some(holds)) &&
    (!atLeast || atLeast.conditions.filter(holds).length >= atLeast.minCount)
  )
}

function list(clause: Condition | readonly Condition[] | null | undefined): readonly Condition[] {
  if (clause === null || clause === undefined) return []
  return Array.isArray(clause) ? (clause as readonly Condition[]) : [clause as Condition]
}

function matches(condition: Condition, point: Filterable): boolean {
  if ('hasId' in condition) return condition.hasId.some((id) => String(id) === String(point.id))
  if ('hasVector' in condition) return point.vectorNames.includes(condition.hasVector)
  if ('isEmpty' in condition && typeof condition.isEmpty === 'object' && condition.isEmpty) {
    const value = valueAt(point.payload, condition.isEmpty.key)
    return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
  }
  if ('key' in condition) return matchesField(condition, valueAt(point.payload, condition.key))
  if ('nested' in condition || 'isNull' in condition) throw new Error(`the oracle has no ${JSON.stringify(condition)}`)
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
