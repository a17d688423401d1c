import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type Amount, amountsOf, defaultOf, MAP_MOST_POINTS } from '../map/amounts'
import { type Colours, coloursOf, commonest, PALETTE, valuesOf } from '../map/colours'
import type { Projected } from '../map/messages'
import { projectionOf } from '../map/projection'
import { CHOSEN, LIT } from '../map/scatter'
import { useWritten } from '../map/written'
import { ErrorLine, Waiting } from '../parts/basics'
import { linkTo, usePlace } from '../parts/place'
import { whole } from '../parts/words'
import { isSame, writeJson } from '../service/exact-json'
import { useAsked } from '../service/polled'
import { ask } from '../service/session'
import { type CollectionInfo, vectorsOf } from '../service/types'
import { Chosen, Picked } from './map/chosen'
import { MapView } from './map/view'
import { type Condition, conditionsIn, filterOf } from './points/conditions'
import { Facets } from './points/facets'
import { FilterBar } from './points/filter-bar'

/** Characters of a value that stand in the legend or in a label. */
const TEXT = 40
const MOST_TITLE = 1_000

interface Drawn extends Projected {
  using: string
  share: number
  filter: object | undefined
  operation: number
}

/** Points of a collection on a plane, near to each other where their vectors are. The filter stands in the address. */
export function MapPage({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const conditions = conditionsIn(usePlace().query.get('filter'))
  const depends = writeJson(conditions)
  const filter = filterOf(conditions)
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const counted = useAsked(
    async (signal) => {
      const { count } = await ask<{ count: number }>('POST', `${path}/points/count`, { filter, exact: true }, signal)
      return { count, depends }
    },
    [path, depends],
  )
  const [drawn, setDrawn] = useState<Drawn | null>(null)
  const [key, setKey] = useState('')
  if (!info.value) return <Waiting of={info} />
  const show = (next: readonly Condition[]) => {
    location.hash = linkTo(['collections', name, 'map'], next.length > 0 ? { filter: writeJson(next) } : {})
  }
  const add = (condition: Condition) => {
    if (!conditions.some((one) => isSame(one, condition))) show([...conditions, condition])
  }
  const isOfFilter = writeJson(drawn?.filter ?? null) === writeJson(filter ?? null)
  return (
    <>
      <h1>Map of {name}</h1>
      <FilterBar conditions={conditions} onChange={show} />
      <Facets path={path} schema={info.value.payload_schema} filter={filter} depends={depends} onPick={add} />
      {counted.value?.depends === depends ? (
        <Ask
          {...{ path, info: info.value, points: counted.value.count, filter }}
          colourBy={key}
          onColourBy={setKey}
          onDrawn={setDrawn}
        />
      ) : (
        <Waiting of={counted} />
      )}
      {drawn && !isOfFilter && <p role="status">The filter is another one since the map was drawn: draw it again.</p>}
      {drawn && (
        <DrawnMap
          key={drawn.operation + drawn.using + writeJson(drawn.filter ?? null)}
          {...{ name, path, drawn }}
          colourBy={key}
          onFilter={add}
        />
      )}
    </>
  )
}

interface AskParts {
  path: string
  info: CollectionInfo
  /** Points that meet the filter. */
  points: number
  filter: object | undefined
  colourBy: string
  onColourBy: (key: string) => void
  onDrawn: (drawn: Drawn | null) => void
}

function Ask({ path, info, points, filter, colourBy, onColourBy, onDrawn }: AskParts) {
  const vectors = Object.entries(vectorsOf(info)).filter(([, params]) => !params.multivector_config)
  const [using, setUsing] = useState(vectors[0]?.[0] ?? '')
  const [picked, setPicked] = useState<number | null>(null)
  const [typed, setTyped] = useState(colourBy)
  const [progress, setProgress] = useState<string | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  if (vectors.length === 0) return <p>This collection has no dense vectors with one row a point.</p>
  const amounts = amountsOf(points)
  const amount = amounts.find(({ points }) => points === picked) ?? defaultOf(amounts)
  if (amount === undefined) return <p>This collection has too many points for a map, even of the least sample.</p>
  const draw = async () => {
    stop.current = new AbortController()
    const { signal } = stop.current
    const { share } = amount
    const onProgress = (step: 'neighbours' | 'projection', done: number) =>
      setProgress(
        step === 'neighbours'
          ? `Neighbours of ${whole(done)} of about ${whole(amount.points)} points …`
          : `Projecting: ${whole(done * 100)} % …`,
      )
    setError(null)
    onDrawn(null)
    try {
      onProgress('neighbours', 0)
      const projected = await projectionOf({ path, using, share, filter, signal, onProgress })
      onDrawn({ ...projected, using, share, filter })
    } catch (failure) {
      if (!signal.aborted) setError(failure as Error)
    }
    setProgress(null)
  }
  return (
    <>
      <div class="row">
        {vectors.length > 1 && (
          <label class="row">
            Vector
            <select value={using} onChange={(event) => setUsing(event.currentTarget.value)}>
              {vectors.map(([vector]) => (
                <option key={vector}>{vector}</option>
              ))}
            </select>
          </label>
        )}
        <label class="row">
          Points
          <select value={amount.points} onChange={(event) => setPicked(Number(event.currentTarget.value))}>
            {amounts.map((one) => (
              <option key={one.points} value={one.points}>
                {textOf(one)}
              </option>
            ))}
          </select>
        </label>
        <label class="row">
          Colour by
          <input
            list="map-keys-known"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            onChange={(event) => onColourBy(event.currentTarget.value)}
          />
        </label>
        <datalist id="map-keys-known">
          {Object.keys(info.payload_schema).map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        {progress === null ? (
          <button type="button" onClick={() => void draw()}>
            Draw the map
          </button>
        ) : (
          <button type="button" class="plain" onClick={() => stop.current?.abort()}>
            Stop
          </button>
        )}
      </div>
      <p class="quiet" role="status">
        {progress ?? ' '}
      </p>
      <ErrorLine error={error} />
    </>
  )
}

/** A sample is taken by chance, so that its number is about right. */
function textOf({ points, share }: Amount): string {
  return share === 1 ? `all ${whole(points)}` : `about ${whole(points)}`
}

interface DrawnParts {
  name: string
  path: string
  drawn: Drawn
  colourBy: string
  onFilter: (condition: Condition) => void
}

function DrawnMap({ name, path, drawn, colourBy, onFilter }: DrawnParts) {
  const values = useAsked(
    async (signal) => ({ key: colourBy, of: colourBy ? await valuesOf(path, drawn.ids, colourBy, signal) : [] }),
    [path, drawn, colourBy],
  )
  const colours = useMemo(() => coloursOf(values.value?.of ?? []), [values.value])
  const written = useWritten(path, drawn)
  const [chosen, setChosen] = useState<number[]>([])
  const [picked, setPicked] = useState<number | null>(null)
  const points = written.points
  const count = points.ids.length
  const shades = useMemo(() => {
    const all = new Uint8Array(count)
    all.set(colours.of.subarray(0, count))
    return all
  }, [colours, count])
  const marks = useMemo(() => {
    const all = new Uint8Array(count)
    for (const place of written.lit) all[place] = LIT
    for (const place of chosen) all[place] = (all[place] as number) | CHOSEN
    return all
  }, [count, chosen, written.lit])
  const labels = useMemo(() => labelsOf(drawn, colours), [drawn, colours])
  // Written points come at the end: places and ids of the others stay.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each look for written points makes another list of the same ids
  const chosenIds = useMemo(() => chosen.map((place) => points.ids[place] ?? 0), [chosen])
  const pick = picked === null ? null : neighboursOf(points, picked)
  return (
    <div class="map-page">
      <p class="quiet" aria-live="polite">
        {`${whole(drawn.ids.length)} points`}
        {written.lit.size > 0 && `, ${whole(written.lit.size)} written since the map was drawn are lit`}
        {written.left > 0 &&
          `, ${whole(written.left)} writes of others have no place: a map has at most ${whole(MAP_MOST_POINTS)} points`}
      </p>
      <MapView
        {...{ x: points.x, y: points.y, colours: shades, marks, labels, picked, name }}
        onPick={setPicked}
        onSelect={setChosen}
      />
      <ErrorLine error={values.error ?? written.error} />
      <Legend colours={colours} />
      {chosen.length > 0 && <Chosen name={name} ids={chosenIds} onClear={() => setChosen([])} />}
      {picked !== null && pick && (
        <Picked
          {...{ name, path, id: points.ids[picked] ?? 0, neighbours: pick }}
          onPick={setPicked}
          onClose={() => setPicked(null)}
          onFilter={onFilter}
        />
      )}
    </div>
  )
}

function neighboursOf({ ids, length, places, distances }: Projected, place: number) {
  return Array.from({ length }, (_, rank) => {
    const other = places[place * length + rank] as number
    return { id: ids[other] ?? 0, place: other, distance: distances[place * length + rank] as number }
  })
}

/** A dense place is named by the value that most of its points have. */
function labelsOf({ clusters }: Drawn, { texts }: Colours) {
  return clusters.flatMap(({ x, y, members }) => {
    const text = commonest(texts, members)
    return text === null ? [] : [{ x, y, text: cut(text) }]
  })
}

function Legend({ colours: { names } }: { colours: Colours }) {
  if (names.length === 0) return null
  return (
    <ul class="legend" aria-label="Colours">
      {names.map(({ name, points, colour }) => (
        <li key={name} title={name.length > TEXT ? name.slice(0, MOST_TITLE) : undefined}>
          <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
            <circle cx="5" cy="5" r="5" fill={PALETTE[colour]} />
          </svg>
          {` ${cut(name)} `}
          <span class="quiet">{whole(points)}</span>
        </li>
      ))}
    </ul>
  )
}

function cut(text: string): string {
  return text.length > TEXT ? `${text.slice(0, TEXT)} …` : text
}
