import { useState } from 'preact/hooks'
import { ErrorLine, Waiting } from '../parts/basics'
import { Pager } from '../parts/pager'
import { whole } from '../parts/words'
import { useAsked } from '../service/polled'
import { ask } from '../service/session'
import type { CollectionInfo, Point, PointId } from '../service/types'
import { Card } from './points/card'
import { Facets } from './points/facets'
import { type Condition, FilterBar, filterOf } from './points/filter-bar'

const PAGE = 48

interface Page {
  points: Point[]
  next_page_offset: PointId | null
}

/** Points as cards, page by page, filtered by clicks on their values. */
export function PointsPage({ name, ids }: { name: string; ids: string | null }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const [conditions, setConditions] = useState<Condition[]>([])
  const [starts, setStarts] = useState<(PointId | null)[]>([null])
  const [chosen, setChosen] = useState(() => idsIn(ids))
  const filter = filterOf(conditions, chosen)
  const depends = JSON.stringify([conditions, chosen])
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const page = useAsked(
    (signal) => {
      const body = { limit: PAGE, with_payload: true, filter, offset: starts.at(-1) ?? undefined }
      return ask<Page>('POST', `${path}/points/scroll`, body, signal)
    },
    [path, depends, starts.length],
  )
  const count = useAsked(
    (signal) => ask<{ count: number }>('POST', `${path}/points/count`, { filter, exact: true }, signal),
    [path, depends],
  )
  const change = (next: Condition[]) => {
    setConditions(next)
    setStarts([null])
  }
  const add = (condition: Condition) => {
    const text = JSON.stringify(condition)
    if (!conditions.some((one) => JSON.stringify(one) === text)) change([...conditions, condition])
  }
  const next = page.value?.next_page_offset ?? null
  return (
    <>
      <h1>Points of {name}</h1>
      {chosen && (
        <p class="row">
          {whole(chosen.length)} points chosen on the map
          <button type="button" class="plain" onClick={() => setChosen(null)}>
            Show all
          </button>
        </p>
      )}
      <FilterBar conditions={conditions} onChange={change} />
      <Facets path={path} schema={info.value?.payload_schema ?? {}} filter={filter} depends={depends} onPick={add} />
      <p class="quiet" aria-live="polite">
        {count.value ? `${whole(count.value.count)} points` : ' '}
      </p>
      <ErrorLine error={page.error ?? count.error} />
      {page.value ? (
        <div class="cards">
          {page.value.points.map((point) => (
            <Card key={point.id} name={name} path={path} point={point} onPick={add} onChange={page.again} />
          ))}
        </div>
      ) : (
        <Waiting of={page} />
      )}
      <Pager starts={starts} next={next} onTurn={setStarts} />
    </>
  )
}

/** Ids that a link names; null where it names none. */
function idsIn(text: string | null): PointId[] | null {
  try {
    const ids = JSON.parse(text ?? 'null')
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'number' || typeof id === 'string') : null
  } catch {
    return null
  }
}
