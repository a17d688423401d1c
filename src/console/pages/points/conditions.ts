/** Conditions made of clicks: values that must be there, or must not, as a filter and as a link's text. */
import { keptIds } from '../../parts/kept-ids'
import { readJson } from '../../service/exact-json'
import type { PointId } from '../../service/types'

export interface Condition {
  key: string
  value: string | number | bigint | boolean
  isNot?: boolean
}

/** Undefined where nothing is asked for, so that the service scans no filter. */
export function filterOf(conditions: readonly Condition[], ids: readonly PointId[] | null = null): object | undefined {
  if (conditions.length === 0 && ids === null) return undefined
  const of = (isNot: boolean) => conditions.filter((one) => (one.isNot ?? false) === isNot).map(clauseOf)
  return { must: [...of(false), ...(ids ? [{ has_id: ids }] : [])], must_not: of(true) }
}

/** Conditions that a link names; the others are left out. */
export function conditionsIn(text: string | null): Condition[] {
  const found = valueIn(text)
  return Array.isArray(found) ? found.filter(isCondition) : []
}

function isCondition(one: Partial<Condition> | null): one is Condition {
  const kinds = ['string', 'number', 'bigint', 'boolean']
  return typeof one?.key === 'string' && kinds.includes(typeof one.value)
}

/** Ids that a link names, or that the tab keeps for it; null where it names none. */
export function idsIn(text: string | null): readonly PointId[] | null {
  const kept = keptIds(text)
  if (kept) return kept
  const found = valueIn(text)
  return Array.isArray(found) ? found.filter(isId) : null
}

/** The id that a link names; null where it names none. */
export function idIn(text: string | null): PointId | null {
  const found = valueIn(text)
  return isId(found) ? found : null
}

function isId(one: unknown): one is PointId {
  return ['number', 'bigint', 'string'].includes(typeof one)
}

function valueIn(text: string | null): unknown {
  try {
    return readJson(text ?? 'null')
  } catch {
    return null
  }
}

/** Floats match no value, only a range. */
function clauseOf({ key, value }: Condition): object {
  if (typeof value === 'number' && !Number.isInteger(value)) return { key, range: { gte: value, lte: value } }
  return { key, match: { value } }
}
