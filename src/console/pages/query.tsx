import { useState } from 'preact/hooks'
import { ErrorLine, Section } from '../parts/basics'
import { JsonEditor } from '../parts/json-editor'
import { usePlace } from '../parts/place'
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

interface Run {
  answer: QueryAnswer
  seconds: number
  /** As it was sent. */
  body: string
}

/** One query, or two beside each other; the plan of each, and the request as text. */
export function QueryPage({ name, asked }: { name: string; asked: string | null }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const [isTwo, setIsTwo] = useState(false)
  const [first, setFirst] = useState<PointId[] | null>(null)
  const [second, setSecond] = useState<PointId[] | null>(null)
  const using = usePlace().query.get('using')
  const sample = useAsked((signal) => sampleOf(path, using, info.value, signal), [path, using, info.value])
  // Without the description the editor completes nothing, and all else works.
  const api = useAsked(readApi, []).value
  // Without a point to begin with, as where a key may not read one, the beginnings have numbers of the right length.
  if (!info.value || (sample.value === null && !sample.error)) return <ErrorLine error={info.error} />
  const id = asked === null ? undefined : idIn(asked)
  const starts = startsOf({ info: info.value, id, using, sample: sample.value?.point ?? null })
  const shared = { path, starts, api, known: knownOf(info.value) }
  return (
    <>
      <h1>Query {name}</h1>
      <label class="row">
        <input type="checkbox" checked={isTwo} onChange={(event) => setIsTwo(event.currentTarget.checked)} />
        Two queries beside each other
      </label>
      <div class="columns">
        <OneQuery
          {...shared}
          key={`${asked} ${using}`}
          title="Query"
          isRun={asked !== null}
          others={isTwo ? second : null}
          onIds={setFirst}
        />
        {isTwo && <OneQuery {...shared} title="Second query" others={first} onIds={setSecond} />}
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

/** The line of the field that an error names. */
function placed(error: Error, text: string): Error {
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
  /** A link has asked for it: it runs at once. */
  isRun?: boolean
  onIds: (ids: PointId[]) => void
}

function OneQuery({ path, title, api, known, starts, others, isRun = false, onIds }: Parts) {
  const [text, setText] = useState(() => starts[0]?.text ?? '{}')
  const [sent, setSent] = useState<string | null>(isRun ? text : null)
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
    else setSent(text)
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
      <ErrorLine error={run.error && placed(run.error, sent ?? '')} />
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
