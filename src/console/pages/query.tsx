import { useEffect, useState } from 'preact/hooks'
import { ErrorLine, Section } from '../parts/basics'
import { JsonEditor } from '../parts/json-editor'
import { type PlacedText, placed, textIn } from '../parts/kept-text'
import { linkTo, usePlace } from '../parts/place'
import { RequestTexts } from '../parts/request-texts'
import { millis } from '../parts/words'
import { readJson, writeJson } from '../service/exact-json'
import { nodeAt, parseText, placeText } from '../service/json-text'
import { type Api, readApi } from '../service/openapi'
import { type Asked, useAsked } from '../service/polled'
import { ask, askEnvelope, Refused } from '../service/session'
import { type CollectionInfo, type Point, type PointId, type QueryAnswer, vectorsOf } from '../service/types'
import { Plan } from './query/plan'
import { Results } from './query/results'
import { idIn, type Start, startsOf } from './query/starts'

/** Names of the address. */
const FIRST = 'body'
const SECOND = 'second'
const TWO = 'two'

interface Run {
  answer: QueryAnswer
  seconds: number
  /** As it was sent. */
  body: string
}

/** One query, or two beside each other; the plan of each, and the request as text. Queries that ran stand in the address. */
export function QueryPage({ name, asked }: { name: string; asked: string | null }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const [first, setFirst] = useState<PointId[] | null>(null)
  const [second, setSecond] = useState<PointId[] | null>(null)
  const { query } = usePlace()
  const using = query.get('using')
  const isTwo = query.has(TWO)
  const sample = useAsked((signal) => sampleOf(path, using, info.value, signal), [path, using, info.value])
  // Without the description the editor completes nothing, and all else works.
  const api = useAsked(readApi, []).value
  // Without a point to begin with, as where a key may not read one, the beginnings have numbers of the right length.
  if (!info.value || (sample.value === null && !sample.error)) return <ErrorLine error={info.error} />
  const id = asked === null ? undefined : idIn(asked)
  const starts = startsOf({ info: info.value, id, using, sample: sample.value?.point ?? null })
  const shared = { path, starts, api, known: knownOf(info.value) }
  const go = (without: string, more: Record<string, string>) => {
    const kept = [...query].filter(([key]) => ![without, `${without}-kept`].includes(key))
    location.hash = linkTo(['collections', name, 'query'], { ...Object.fromEntries(kept), ...more })
  }
  const placeOf = (key: string) => ({
    place: textIn(query, key),
    onSend: (text: string) => go(key, placed(key, text)),
  })
  const firstPlace = placeOf(FIRST)
  // A link to the neighbours of a point has no text: it stands for the first beginning.
  if (id !== undefined && !firstPlace.place.isMissing) firstPlace.place.text ??= starts[0]?.text ?? null
  return (
    <>
      <h1>Query {name}</h1>
      <label class="row">
        <input
          type="checkbox"
          checked={isTwo}
          onChange={(event) => go(TWO, event.currentTarget.checked ? { [TWO]: '1' } : {})}
        />
        Two queries beside each other
      </label>
      <div class="columns">
        <OneQuery {...shared} {...firstPlace} title="Query" others={isTwo ? second : null} onIds={setFirst} />
        {isTwo && <OneQuery {...shared} {...placeOf(SECOND)} title="Second query" others={first} onIds={setSecond} />}
      </div>
    </>
  )
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

const QUERY = { $ref: '#/components/schemas/QueryRequest' }

/** An error with the line of the field that it names. */
function withLine(error: Error, text: string): Error {
  if (!(error instanceof Refused) || error.field === undefined) return error
  const { start } = nodeAt(parseText(text), error.field)
  return new Error(`${placeText(text, start)}: ${error.message}`)
}

/** Names of the collection that values of a query may be, by the key that takes them. */
function knownOf(info: CollectionInfo): Record<string, string[]> {
  const keys = Object.keys(info.payload_schema)
  const sparse = Object.keys(info.config.params.sparse_vectors ?? {})
  return { using: [...Object.keys(vectorsOf(info)), ...sparse], key: keys, with_payload: keys }
}

interface Parts {
  path: string
  title: string
  api: Api | null
  known: Record<string, string[]>
  starts: readonly Start[]
  /** Ids that the other query found. */
  others: readonly PointId[] | null
  /** The query that the address asks for: it runs at once. */
  place: PlacedText
  /** Has the address ask for a query. */
  onSend: (text: string) => void
  onIds: (ids: PointId[]) => void
}

function OneQuery({ path, title, api, known, starts, others, place, onSend, onIds }: Parts) {
  const sent = place.text
  const [text, setText] = useState(() => sent ?? starts[0]?.text ?? '{}')
  useEffect(() => {
    if (sent !== null) setText(sent)
  }, [sent])
  const run: Asked<Run | null> = useAsked(
    async (signal) => {
      if (sent === null) return null
      const body = writeJson({ explain: true, with_payload: true, ...(readJson(sent) as object) }, null, 2)
      const { result, time } = await askEnvelope<QueryAnswer>('POST', `${path}/points/query`, body, signal)
      onIds(result.points.map(({ id }) => id))
      return { answer: result, seconds: time, body }
    },
    [path, sent],
  )
  const submit = (event: Event) => {
    event.preventDefault()
    if (sent === text) run.again()
    else onSend(text)
  }
  const pick = (event: { currentTarget: HTMLSelectElement }) => {
    const picked = starts.find(({ name }) => name === event.currentTarget.value)
    if (picked) setText(picked.text)
  }
  return (
    <Section title={title}>
      <form onSubmit={submit}>
        <div class="row">
          <select aria-label={`${title}: start from`} onChange={pick}>
            {starts.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <button type="submit">Run</button>
        </div>
        <JsonEditor
          label={`${title}: body as JSON`}
          rows={10}
          text={text}
          onText={setText}
          api={api}
          schema={QUERY}
          known={known}
          onRun={submit}
        />
      </form>
      {place.isOfTab && (
        <p class="quiet small">
          This query is too long for an address: this tab alone keeps it, and a link shows it to nobody else.
        </p>
      )}
      {place.isMissing && (
        <p class="warnings">
          The query of this link was too long for an address. It was kept by the tab that asked it, and is not here.
        </p>
      )}
      <ErrorLine error={run.error && withLine(run.error, sent ?? '')} />
      {run.value && !run.error && (
        <>
          <p class="quiet" aria-live="polite">
            {run.value.answer.points.length} points in {millis(run.value.seconds)}
          </p>
          <Results points={run.value.answer.points} others={others} />
          {run.value.answer.explain && <Plan root={run.value.answer.explain} />}
          <RequestTexts request={{ method: 'POST', path: `${path}/points/query`, body: run.value.body }} />
        </>
      )}
    </Section>
  )
}
