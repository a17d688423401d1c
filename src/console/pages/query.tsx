import { useState } from 'preact/hooks'
import { ErrorLine, Section } from '../parts/basics'
import { JsonEditor } from '../parts/json-editor'
import { RequestTexts } from '../parts/request-texts'
import { millis } from '../parts/words'
import { nodeAt, parseText, placeText } from '../service/json-text'
import { type Api, readApi } from '../service/openapi'
import { type Asked, useAsked } from '../service/polled'
import { ask, askEnvelope, Refused } from '../service/session'
import { type CollectionInfo, type PointId, type QueryAnswer, vectorsOf } from '../service/types'
import { Plan } from './query/plan'
import { Results } from './query/results'
import { type Start, startsOf } from './query/starts'

interface Run {
  answer: QueryAnswer
  seconds: number
}

/** One query, or two beside each other; the plan of each, and the request as text. */
export function QueryPage({ name, asked }: { name: string; asked: string | null }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const [isTwo, setIsTwo] = useState(false)
  const [first, setFirst] = useState<PointId[] | null>(null)
  const [second, setSecond] = useState<PointId[] | null>(null)
  const starts = startsOf(info.value ? vectorsOf(info.value) : {}, info.value, asked)
  // Without the description the editor completes nothing, and all else works.
  const api = useAsked(readApi, []).value
  if (!info.value) return <ErrorLine error={info.error} />
  const shared = { path, starts, api, known: knownOf(info.value) }
  return (
    <>
      <h1>Query {name}</h1>
      <label class="row">
        <input type="checkbox" checked={isTwo} onChange={(event) => setIsTwo(event.currentTarget.checked)} />
        Two queries beside each other
      </label>
      <div class="columns">
        <OneQuery {...shared} title="Query" others={isTwo ? second : null} onIds={setFirst} />
        {isTwo && <OneQuery {...shared} title="Second query" others={first} onIds={setSecond} />}
      </div>
    </>
  )
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
  onIds: (ids: PointId[]) => void
}

function OneQuery({ path, title, api, known, starts, others, onIds }: Parts) {
  const [text, setText] = useState(() => starts[0]?.text ?? '{}')
  const [sent, setSent] = useState<string | null>(null)
  const run: Asked<Run | null> = useAsked(
    async (signal) => {
      if (sent === null) return null
      const body = { explain: true, with_payload: true, ...JSON.parse(sent) }
      const { result, time } = await askEnvelope<QueryAnswer>('POST', `${path}/points/query`, body, signal)
      onIds(result.points.map(({ id }) => id))
      return { answer: result, seconds: time }
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
          <RequestTexts request={{ method: 'POST', path: `${path}/points/query`, body: sent ?? '{}' }} />
        </>
      )}
    </Section>
  )
}
