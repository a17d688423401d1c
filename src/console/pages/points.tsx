import { useState } from 'preact/hooks'
import { ErrorLine, Waiting } from '../parts/basics'
import { Pager } from '../parts/pager'
import { linkTo, usePlace } from '../parts/place'
import { whole } from '../parts/words'
import { isSame, writeJson } from '../service/exact-json'
import { useAsked } from '../service/polled'
import { ask } from '../service/session'
import type { CollectionInfo, Point, PointId } from '../service/types'
import { Card } from './points/card'
import { type Condition, conditionsIn, filterOf, idIn, idsIn } from './points/conditions'
import { Facets } from './points/facets'
import { FilterBar } from './points/filter-bar'
import { ChosenIds, GoTo } from './points/go-to'

const PAGE = 48

interface Page {
  points: Point[]
  next_page_offset: PointId | null
}

/** The beginnings of pages that were turned, of one filter. */
interface Turned {
  depends: string
  starts: (PointId | null)[]
}

/** Points as cards, page by page, filtered by clicks on their values. Filter and page stand in the address. */
export function PointsPage({ name, ids }: { name: string; ids: string | null }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const { query } = usePlace()
  const conditions = conditionsIn(query.get('filter'))
  const chosen = idsIn(ids)
  const depends = writeJson([conditions, ids])
  const [turned, setTurned] = useState<Turned>({ depends, starts: [null] })
  const from = idIn(query.get('from'))
  const starts = startsUpTo(from, turned.depends === depends ? turned.starts : [])
  const filter = filterOf(conditions, chosen)
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const page = useAsked(
    (signal) => {
      const body = { limit: PAGE, with_payload: true, filter, offset: starts.at(-1) ?? undefined }
      return ask<Page>('POST', `${path}/points/scroll`, body, signal)
    },
    [path, depends, writeJson(starts.at(-1))],
  )
  const count = useAsked(
    (signal) => ask<{ count: number }>('POST', `${path}/points/count`, { filter, exact: true }, signal),
    [path, depends],
  )
  const linkOf = (next: readonly Condition[], of: string | null) => ({
    ...(of === null ? {} : { ids: of }),
    ...(next.length > 0 ? { filter: writeJson(next) } : {}),
  })
  const go = (to: Record<string, string>) => {
    location.hash = linkTo(['collections', name, 'points'], to)
  }
  const show = (next: readonly Condition[], of: string | null) => go(linkOf(next, of))
  const number = from === null ? 1 : Math.max(starts.length, Number(query.get('page')) || 0)
  const turn = (to: (PointId | null)[]) => {
    setTurned({ depends, starts: to })
    const start = to.at(-1) ?? null
    const page = String(to.length > starts.length ? number + 1 : number - 1)
    go({ ...linkOf(conditions, ids), ...(start === null ? {} : { from: writeJson(start), page }) })
  }
  const add = (condition: Condition) => {
    if (!conditions.some((one) => isSame(one, condition))) show([...conditions, condition], ids)
  }
  const next = page.value?.next_page_offset ?? null
  return (
    <>
      <h1>Points of {name}</h1>
      {chosen && <ChosenIds ids={chosen} count={count.value?.count ?? null} onAll={() => show(conditions, null)} />}
      <GoTo areTexts={info.value?.config.params.ids === 'text'} onId={(id) => show([], writeJson([id]))} />
      <FilterBar conditions={conditions} onChange={(next) => show(next, ids)} />
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
      <Pager starts={starts} page={number} next={next} onTurn={turn} />
    </>
  )
}

/** The beginnings of the pages up to the shown one. Of a page that a link leads to, only the first and its own are known. */
function startsUpTo(from: PointId | null, known: readonly (PointId | null)[]): (PointId | null)[] {
  const at = known.findIndex((one) => isSame(one, from))
  if (at >= 0) return known.slice(0, at + 1)
  return from === null ? [null] : [null, from]
}
