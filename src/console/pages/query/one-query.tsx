import { ErrorLine, Section } from '../../parts/basics'
import { JsonEditor } from '../../parts/json-editor'
import type { PlacedText } from '../../parts/kept-text'
import { RequestTexts } from '../../parts/request-texts'
import { millis } from '../../parts/words'
import { readJson, writeJson } from '../../service/exact-json'
import { nodeAt, parseText, placeText } from '../../service/json-text'
import type { Api } from '../../service/openapi'
import { type Asked, useAsked } from '../../service/polled'
import { askEnvelope, Refused } from '../../service/session'
import type { CollectionInfo, PointId, QueryAnswer } from '../../service/types'
import { Plan } from './plan'
import { Results } from './results'
import type { Start } from './starts'
import { WhyNotHere } from './why-not-here'

interface Run {
  answer: QueryAnswer
  seconds: number
  /** As it was written. */
  asked: string
  /** As it was sent. */
  body: string
}

const QUERY = { $ref: '#/components/schemas/QueryRequest' }

/** An error with the line of the field that it names. */
function withLine(error: Error, text: string): Error {
  if (!(error instanceof Refused) || error.field === undefined) return error
  const { start } = nodeAt(parseText(text), error.field)
  return new Error(`${placeText(text, start)}: ${error.message}`)
}

interface Parts {
  /** Of the collection. */
  name: string
  path: string
  info: CollectionInfo
  title: string
  api: Api | null
  known: Record<string, string[]>
  starts: readonly Start[]
  /** Ids that the other query found. */
  others: readonly PointId[] | null
  /** The query that the address asks for: it runs at once. */
  place: PlacedText
  /** Counts up where the same query is to run again. */
  turn: number
  /** The editor's text. */
  text: string
  onText: (text: string) => void
  /** Has the query run. */
  onSend: () => void
  onIds: (ids: PointId[]) => void
}

/** The editor of a query, and its answer: results, why a point is not among them, the plan, and the request as text. */
export function OneQuery({ name, path, info, title, api, known, starts, others, place, ...parts }: Parts) {
  const { text, turn, onText, onSend, onIds } = parts
  const sent = place.text
  const run: Asked<Run | null> = useAsked(
    async (signal) => {
      if (sent === null) return null
      const body = writeJson({ explain: true, with_payload: true, ...(readJson(sent) as object) }, null, 2)
      const { result, time } = await askEnvelope<QueryAnswer>('POST', `${path}/points/query`, body, signal)
      onIds(result.points.map(({ id }) => id))
      return { answer: result, seconds: time, asked: sent, body }
    },
    [path, sent, turn],
  )
  const submit = (event: Event) => {
    event.preventDefault()
    onSend()
  }
  const pick = (event: { currentTarget: HTMLSelectElement }) => {
    const picked = starts.find(({ name }) => name === event.currentTarget.value)
    if (picked) onText(picked.text)
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
          onText={onText}
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
          <Results name={name} points={run.value.answer.points} others={others} />
          <WhyNotHere
            path={path}
            title={title}
            info={info}
            body={run.value.asked}
            answer={run.value.answer}
            text={text}
            onText={onText}
          />
          {run.value.answer.explain && <Plan root={run.value.answer.explain} />}
          <RequestTexts
            request={{ method: 'POST', path: `${path}/points/query`, body: run.value.body }}
            of={title === 'Query' ? '' : `, ${title.toLowerCase()}`}
          />
        </>
      )}
    </Section>
  )
}
