/** A filter made of clicks: values that must be there, or must not. */
import type { PointId } from '../../service/types'

export interface Condition {
  key: string
  value: string | number | boolean
  isNot?: boolean
}

/** Undefined where nothing is asked for, so that the service scans no filter. */
export function filterOf(conditions: readonly Condition[], ids: readonly PointId[] | null = null): object | undefined {
  if (conditions.length === 0 && ids === null) return undefined
  const of = (isNot: boolean) => conditions.filter((one) => (one.isNot ?? false) === isNot).map(clauseOf)
  return { must: [...of(false), ...(ids ? [{ has_id: ids }] : [])], must_not: of(true) }
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
        const text = `${key} ${isNot ? '≠' : '='} ${value}`
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
