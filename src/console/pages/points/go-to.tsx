import { useState } from 'preact/hooks'
import { whole } from '../../parts/words'
import { readJson } from '../../service/exact-json'
import type { PointId } from '../../service/types'

/** Asks for one point. `onId` gets digits as a number, except where ids are texts. */
export function GoTo({ areTexts, onId }: { areTexts: boolean; onId: (id: PointId) => void }) {
  const [text, setText] = useState('')
  const id = text.trim()
  const submit = (event: Event) => {
    event.preventDefault()
    if (id !== '') onId(!areTexts && /^(0|[1-9]\d*)$/.test(id) ? (readJson(id) as PointId) : id)
  }
  return (
    <form class="row" onSubmit={submit}>
      <label class="row">
        Go to id
        <input
          value={text}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={id === ''}>
        Go
      </button>
    </form>
  )
}

interface ChosenParts {
  ids: readonly PointId[]
  /** Points that have these ids and pass the filter; null while nobody has told. */
  count: number | null
  onAll: () => void
}

/** The ids that the address names: one that was typed or linked, or those chosen elsewhere. */
export function ChosenIds({ ids, count, onAll }: ChosenParts) {
  return (
    <p class="row">
      {chosenText(ids, count)}
      <button type="button" class="plain" onClick={onAll}>
        Show all
      </button>
    </p>
  )
}

function chosenText(ids: readonly PointId[], count: number | null): string {
  if (ids.length === 0) return 'The tab no longer has the points that were chosen on the map. Choose them there again.'
  if (ids.length > 1) return `${whole(ids.length)} chosen points`
  return count === 0 ? `No point has the id ${ids[0]} and passes the filter.` : `The point with the id ${ids[0]}`
}
