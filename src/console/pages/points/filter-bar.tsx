/** A filter made of clicks: values that must be there, or must not. */
import { keptIds } from '../../parts/kept-ids'
import { readJson } from '../../service/exact-json'
import type { PointId } from '../../service/types'
import { cut } from './value'

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

export function FilterBar({
  conditions,
  onChange,
}: {
  conditions: Condition[]
  onChange: (next: Condition[]) => void
}) {
  if (conditions.length === 0) return <p class="quiet small">Click on a value to filter by it.</p>
  return (
    <ul class="chips" aria-label="Filter">
      {conditions.map((condition) => {
        const { key, value, isNot } = condition
        const others = conditions.filter((one) => one !== condition)
        const text = `${cut(key)} ${isNot ? '≠' : '='} ${cut(String(value))}`
        return (
          <li key={text} class="chip">
            {text}
            <button
              type="button"
              aria-label={`Turn round ${text}`}
              title="Turn round"
              onClick={() =>
                onChange(conditions.map((one) => (one === condition ? { key, value, isNot: !isNot } : one)))
              }
            >
              ⇄
            </button>
            <button type="button" aria-label={`Remove ${text}`} title="Remove" onClick={() => onChange(others)}>
              ×
            </button>
          </li>
        )
      })}
    </ul>
  )
}
