import { useEffect, useState } from 'preact/hooks'
import { ErrorLine } from '../parts/basics'
import { placed, textIn } from '../parts/kept-text'
import { linkTo, usePlace } from '../parts/place'
import { readJson } from '../service/exact-json'
import { type Api, readApi } from '../service/openapi'
import { useAsked } from '../service/polled'
import { ask } from '../service/session'
import { type CollectionInfo, type Point, type PointId, vectorsOf } from '../service/types'
import type { Body } from '../service/why'
import { OneQuery } from './query/one-query'
import { idIn, type Start, startsOf, textOf } from './query/starts'

/** Names of the address. */
const FIRST = 'body'
const SECOND = 'second'
const TWO = 'two'

/** The texts of the editors; the second is null until there is one. */
type Texts = [first: string, second: string | null]

/** By collection: texts stay where the page is left by its tabs and shown again. */
const drafts = new Map<string, Texts>()

/** One query, or two beside each other; the plan of each, and the request as text. Queries that ran stand in the address. */
export function QueryPage({ name, asked }: { name: string; asked: string | null }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const { query } = usePlace()
  const using = query.get('using')
  // Without the description the editor completes nothing, and all else works.
  const api = useAsked(readApi, []).value
  const sample = useAsked((signal) => sampleOf(path, using, info.value, signal), [path, using, info.value])
  // Without a point to begin with, as where a key may not read one, the beginnings have numbers of the right length.
  if (!info.value || (sample.value === null && !sample.error)) return <ErrorLine error={info.error} />
  const id = asked === null ? undefined : idIn(asked)
  const starts = startsOf({ info: info.value, id, using, sample: sample.value?.point ?? null })
  return <Queries name={name} path={path} info={info.value} api={api} query={query} id={id} starts={starts} />
}

interface Parts {
  name: string
  path: string
  info: CollectionInfo
  api: Api | null
  query: URLSearchParams
  /** The point that a link names. */
  id: PointId | undefined
  starts: Start[]
}

function Queries({ name, path, info, api, query, id, starts }: Parts) {
  const [found, setFound] = useState<(PointId[] | null)[]>([null, null])
  const [turns, setTurns] = useState([0, 0])
  const isTwo = query.has(TWO)
  const places = [textIn(query, FIRST), textIn(query, SECOND)] as const
  // A link to the neighbours of a point has no text: it stands for the first beginning.
  if (id !== undefined && !places[0].isMissing) places[0].text ??= starts[0]?.text ?? null
  const isLink = id !== undefined || query.has('using')
  const [texts, setTexts] = useTexts(name, places[0].text, places[1].text, isLink, starts[0]?.text ?? '{}')
  const second = texts[1] ?? texts[0]
  const go = (without: string[], more: Record<string, string>) => {
    const left = without.flatMap((key) => [key, `${key}-kept`])
    const kept = [...query].filter(([key]) => !left.includes(key))
    location.hash = linkTo(['collections', name, 'query'], { ...Object.fromEntries(kept), ...more })
  }
  const again = (is: (at: 0 | 1) => boolean) => setTurns(([a = 0, b = 0]) => [a + (is(0) ? 1 : 0), b + (is(1) ? 1 : 0)])
  const runBoth = (both: [string, string]) => {
    again((at) => places[at].text === both[at])
    go([FIRST, SECOND, TWO], { ...placed(FIRST, both[0]), ...placed(SECOND, both[1]), [TWO]: '1' })
  }
  const compare = () => {
    const both: [string, string] = [texts[0], exactOf(texts[0]) ?? texts[0]]
    setTexts(both)
    runBoth(both)
  }
  const toggle = (isOn: boolean) => {
    setTexts([texts[0], isOn ? second : null])
    go(isOn ? [TWO] : [TWO, SECOND], isOn ? { [TWO]: '1' } : {})
  }
  const shared = { name, path, info, starts, api, known: knownOf(info) }
  const partsOf = (at: 0 | 1, key: string, text: string) => ({
    ...shared,
    place: places[at],
    turn: turns[at] ?? 0,
    text,
    onText: (next: string) => setTexts((now) => (at === 0 ? [next, now[1]] : [now[0], next])),
    onSend: () => (places[at].text === text ? again((one) => one === at) : go([key], placed(key, text))),
    onIds: (ids: PointId[]) => setFound((now) => now.map((one, place) => (place === at ? ids : one))),
  })
  return (
    <>
      <h1>Query {name}</h1>
      <div class="row">
        <label class="row">
          <input type="checkbox" checked={isTwo} onChange={(event) => toggle(event.currentTarget.checked)} />
          Two queries beside each other
        </label>
        <button type="button" class="plain" disabled={exactOf(texts[0]) === null} onClick={compare}>
          Compare with exact
        </button>
        {isTwo && (
          <button type="button" onClick={() => runBoth([texts[0], second])}>
            Run both
          </button>
        )}
      </div>
      <div class="columns">
        <OneQuery {...partsOf(0, FIRST, texts[0])} title="Query" others={isTwo ? (found[1] ?? null) : null} />
        {isTwo && <OneQuery {...partsOf(1, SECOND, second)} title="Second query" others={found[0] ?? null} />}
      </div>
    </>
  )
}

type SetTexts = (next: Texts | ((now: Texts) => Texts)) => void

/** The texts of the address, or else those typed before the page was left, or else a beginning. */
function useTexts(
  name: string,
  first: string | null,
  second: string | null,
  isLink: boolean,
  start: string,
): [Texts, SetTexts] {
  const [texts, setTexts] = useState<Texts>(() => {
    const draft = isLink || first !== null ? undefined : drafts.get(name)
    return [first ?? draft?.[0] ?? start, second ?? draft?.[1] ?? null]
  })
  useEffect(() => {
    if (first !== null) setTexts((now) => [first, now[1]])
  }, [first])
  useEffect(() => {
    if (second !== null) setTexts((now) => [now[0], second])
  }, [second])
  useEffect(() => {
    drafts.set(name, texts)
  }, [name, texts])
  return [texts, setTexts]
}

/** The same query by exact search; null where the text is no object. */
function exactOf(text: string): string | null {
  try {
    const body = readJson(text) as Body
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return null
    return textOf({ ...body, params: { ...((body.params ?? {}) as Body), exact: true } })
  } catch {
    return null
  }
}

/** A point with the vector that is asked with; null once it is known that there is none. */
async function sampleOf(
  path: string,
  using: string | null,
  info: CollectionInfo | null,
  signal: AbortSignal,
): Promise<{ point: Point | null } | null> {
  if (info === null) return null
  const named = using ?? Object.keys(vectorsOf(info))[0]
  const having = named === undefined ? {} : { filter: { must: [{ has_vector: named }] }, with_vector: [named] }
  const body = { limit: 1, with_payload: false, ...having }
  const { points } = await ask<{ points: Point[] }>('POST', `${path}/points/scroll`, body, signal)
  return { point: points[0] ?? null }
}

/** Names of the collection that values of a query may be, by the key that takes them. */
function knownOf(info: CollectionInfo): Record<string, string[]> {
  const keys = Object.keys(info.payload_schema)
  const sparse = Object.keys(info.config.params.sparse_vectors ?? {})
  return { using: [...Object.keys(vectorsOf(info)), ...sparse], key: keys, with_payload: keys }
}
