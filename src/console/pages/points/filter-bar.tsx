/** A filter made of clicks: values that must be there, or must not. */
import type { Condition } from './conditions'
import { cut } from './value'

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
