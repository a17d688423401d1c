import { useMemo } from 'preact/hooks'
import { Section } from '../../parts/basics'
import { keepIds } from '../../parts/kept-ids'
import { linkTo } from '../../parts/place'
import { saveAs } from '../../parts/save'
import { whole } from '../../parts/words'
import { writeJson } from '../../service/exact-json'
import { useAsked } from '../../service/polled'
import { ask } from '../../service/session'
import type { Point, PointId } from '../../service/types'
import { Card } from '../points/card'
import type { Condition } from '../points/conditions'

/** Ids that a link holds; the tab keeps longer lists. */
const MOST_LINKED = 500
/** Ids that stand in the text: a browser takes seconds to lay out a million. */
const MOST_SHOWN = 10_000

interface ChosenParts {
  name: string
  ids: readonly PointId[]
  onClear: () => void
}

/** The encircled points: their ids, and the same as a filter of queries. */
export function Chosen({ name, ids, onClear }: ChosenParts) {
  const linked = useMemo(() => (ids.length > MOST_LINKED ? keepIds(ids) : writeJson(ids)), [ids])
  const text = () => writeJson({ must: [{ has_id: ids }] })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is that of the ids
  const shown = useMemo(() => (ids.length > MOST_SHOWN ? null : text()), [ids])
  return (
    <Section title={`${whole(ids.length)} points chosen`}>
      <p class="row">
        <a href={linkTo(['collections', name, 'points'], { ids: linked })}>Show them as cards</a>
        <button type="button" class="plain" onClick={() => void navigator.clipboard?.writeText(text())}>
          Copy the filter
        </button>
        <button type="button" class="plain" onClick={() => saveAs(new Blob([text()]), `${name}-filter.json`)}>
          Save the filter
        </button>
        <button type="button" class="plain" onClick={onClear}>
          Choose none
        </button>
      </p>
      {shown === null ? (
        <p class="quiet">The filter of so many ids is not shown here; it can be copied or saved.</p>
      ) : (
        <label>
          Filter of queries
          <textarea readOnly rows={3} value={shown} />
        </label>
      )}
    </Section>
  )
}

interface PickedParts {
  name: string
  path: string
  id: PointId
  neighbours: readonly { id: PointId; place: number; distance: number }[]
  onPick: (place: number) => void
  onClose: () => void
  onFilter: (condition: Condition) => void
}

/** The point that was clicked on, and its neighbours on the map. */
export function Picked({ name, path, id, neighbours, onPick, onClose, onFilter }: PickedParts) {
  const point = useAsked(
    (signal) => ask<Point[]>('POST', `${path}/points`, { ids: [id], with_payload: true }, signal),
    [path, id],
  )
  const found = point.value?.[0]
  return (
    <Section
      title={`Point ${id}`}
      beside={
        <button type="button" class="plain" onClick={onClose}>
          Close
        </button>
      }
    >
      {found ? (
        <Card key={id} name={name} path={path} point={found} onPick={onFilter} onChange={point.again} />
      ) : (
        <p class="quiet">{point.value ? 'It is deleted.' : 'Loading …'}</p>
      )}
      <h3>Nearest on the map’s list</h3>
      <ul class="chips" aria-label="Neighbours">
        {neighbours.map((one) => (
          <li key={one.place}>
            <button type="button" class="plain" onClick={() => onPick(one.place)}>
              {String(one.id)} <span class="quiet">{one.distance.toPrecision(3)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Section>
  )
}
