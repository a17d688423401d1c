import { useContext, useState } from 'preact/hooks'
import { ErrorLine, Section } from '../../parts/basics'
import { Code } from '../../parts/code'
import { Confirm } from '../../parts/confirm'
import { JsonEditor } from '../../parts/json-editor'
import { type Request, RequestTexts } from '../../parts/request-texts'
import { saveAs } from '../../parts/save'
import { short, whole } from '../../parts/words'
import { suffice } from '../../service/access'
import { readJson, writeJson } from '../../service/exact-json'
import { type Api, exampleOf, type Parameter, type Route, valuesOf } from '../../service/openapi'
import { useAsked } from '../../service/polled'
import { RightsOfTab } from '../../service/rights'
import { ask, askPlain, type Exchange, exchange } from '../../service/session'
import { chosenBy, destroys, nameOf } from './destroying'

const JSON_TYPE = 'application/json'
const LINES_TYPE = 'application/x-ndjson'
/** Characters of an answer that are shown: a browser takes seconds to lay out more. */
const SHOWN = 100_000

/** One route: its parameters, an example body, the answer, and the same request as text. */
export function OneRoute({ api, route }: { api: Api; route: Route }) {
  const { method, operation } = route
  const parameters = operation.parameters ?? []
  const content = operation.requestBody?.content ?? {}
  const type = JSON_TYPE in content ? JSON_TYPE : LINES_TYPE in content ? LINES_TYPE : undefined
  const schema = type && content[type]?.schema
  const [values, setValues] = useState<Record<string, string>>({})
  const [body, setBody] = useState(() => (type === JSON_TYPE ? JSON.stringify(exampleOf(api, schema), null, 2) : ''))
  const [answer, setAnswer] = useState<Exchange | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const [isAsking, setIsAsking] = useState(false)
  const request: Request = { method, path: pathOf(route, values), body: type ? body : null, ...(type ? { type } : {}) }
  const mayUse = suffice(useContext(RightsOfTab), operation['x-vicinal-access'], values.collection_name)
  const isDestroying = destroys(method, route.path, request.body)
  const send = async () => {
    try {
      setAnswer(await exchange(method, request.path, request.body ?? undefined, type))
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
  }
  const submit = (event: Event) => {
    event.preventDefault()
    if (isDestroying) setIsAsking(true)
    else void send()
  }
  return (
    <div>
      <Section title={`${method} ${route.path}`}>
        <p>{operation.summary}</p>
        {operation.description && <p class="quiet">{operation.description}</p>}
        {!mayUse && (
          <p class="warnings">The rights of this tab do not open this route: the service will refuse the request.</p>
        )}
        <form onSubmit={submit}>
          <div class="parameters">
            {parameters.map((parameter) => (
              <Field
                key={parameter.name}
                parameter={parameter}
                value={values[parameter.name] ?? ''}
                onValue={(value) => setValues({ ...values, [parameter.name]: value })}
              />
            ))}
          </div>
          {type === JSON_TYPE && (
            <JsonEditor label="Body as JSON" rows={12} text={body} onText={setBody} api={api} schema={schema} />
          )}
          {type === LINES_TYPE && (
            <textarea
              rows={8}
              aria-label="Body as lines of JSON"
              value={body}
              onInput={(event) => setBody(event.currentTarget.value)}
            />
          )}
          {!type && operation.requestBody && (
            <p class="quiet">The body is a file ({Object.keys(content).join(', ')}), which this page does not send.</p>
          )}
          <p class="row">
            <button type="submit" class={isDestroying ? 'danger' : ''}>
              {isDestroying ? 'Send it …' : 'Send'}
            </button>
          </p>
        </form>
        <ErrorLine error={error} />
        {answer && <Answer answer={answer} path={method === 'GET' ? request.path : null} />}
      </Section>
      <RequestTexts request={request} />
      {isAsking && (
        <AskFirst
          request={request}
          points={`/collections/${encodeURIComponent(values.collection_name ?? '')}/points`}
          name={nameOf(method, route.path, values, request.body)}
          run={send}
          onDone={() => setIsAsking(false)}
        />
      )}
    </div>
  )
}

interface AskFirstParts {
  request: Request
  /** The path of the points that a body may choose. */
  points: string
  name: string | undefined
  run: () => Promise<void>
  onDone: () => void
}

/** Asks before stored data is taken away: by its name, or with the number of its points. */
function AskFirst({ request: { method, path, body }, points, name, run, onDone }: AskFirstParts) {
  const counted = useAsked(async (signal) => {
    const chosen = chosenBy(body)
    if (chosen === null || 'ids' in chosen) return chosen?.ids ?? null
    const asked = { filter: chosen.filter, exact: true }
    return (await ask<{ count: number }>('POST', `${points}/count`, asked, signal)).count
  }, [])
  return (
    <Confirm
      title="Send what deletes or replaces"
      text={`${method} ${path}`}
      {...(name ? { name } : {})}
      action="Send it"
      run={run}
      onDone={onDone}
    >
      {counted.value !== null && <p role="status">It is about {whole(counted.value)} points.</p>}
      {counted.error && <p class="quiet">How many points it is about could not be read: {counted.error.message}</p>}
    </Confirm>
  )
}

interface FieldParts {
  parameter: Parameter
  value: string
  onValue: (value: string) => void
}

function Field({ parameter: { name, required, description, schema }, value, onValue }: FieldParts) {
  const isCollection = name === 'collection_name'
  const listed = useAsked(
    async (signal) => {
      if (!isCollection) return []
      const { collections } = await ask<{ collections: { name: string }[] }>('GET', '/collections', undefined, signal)
      return collections.map((one) => one.name)
    },
    [isCollection],
  )
  const offers = isCollection ? (listed.value ?? []) : valuesOf(schema ? [schema, ...(schema.anyOf ?? [])] : [])
  return (
    <div>
      <label>
        <span>
          {name} {required && <span class="quiet">required</span>}
        </span>
        <input
          value={value}
          required={required ?? false}
          list={`values-of-${name}`}
          autocomplete="off"
          aria-describedby={`about-${name}`}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      </label>
      <datalist id={`values-of-${name}`}>
        {offers.map((one) => (
          <option key={String(one)} value={String(one)} />
        ))}
      </datalist>
      <span id={`about-${name}`} class="quiet small">
        {description}
      </span>
    </div>
  )
}

/** Empty parameters of the query are left out. Empty ones of the path stand as they are described. */
function pathOf({ path, operation }: Route, values: Record<string, string>): string {
  const filled = path.replaceAll(/\{([^}]+)\}/g, (all, name: string) => {
    return values[name] ? encodeURIComponent(values[name]) : all
  })
  const query = (operation.parameters ?? [])
    .filter((one) => one.in === 'query' && values[one.name])
    .map((one) => [one.name, values[one.name] as string])
  return query.length === 0 ? filled : `${filled}?${new URLSearchParams(query)}`
}

/** `path` is of a read, so that the answer can be asked for again as a file. */
function Answer({ answer: { status, type, text, isCut, millis }, path }: { answer: Exchange; path: string | null }) {
  const told = text === null ? '' : type.startsWith(JSON_TYPE) ? indented(text) : text
  const length = text === null ? type : `${isCut ? 'more than ' : ''}${whole(text.length)} characters`
  return (
    <>
      <p aria-live="polite">
        {status}{' '}
        <span class="quiet">
          in {short(millis)} ms, {length}
        </span>
      </p>
      {path !== null && (text === null || isCut) && <Download path={path} />}
      {text !== null && <Code label="Answer" text={told.length > SHOWN ? `${told.slice(0, SHOWN)}\n…` : told} />}
    </>
  )
}

function Download({ path }: { path: string }) {
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const run = async () => {
    setIsBusy(true)
    try {
      const name = decodeURIComponent(path.replace(/\?.*/, '').split('/').at(-1) ?? '')
      saveAs(await (await askPlain(path)).blob(), name || 'answer')
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
    setIsBusy(false)
  }
  return (
    <p class="row">
      <button type="button" disabled={isBusy} onClick={() => void run()}>
        {isBusy ? 'Downloading …' : 'Download the answer'}
      </button>
      <ErrorLine error={error} />
    </p>
  )
}

/** Large answers stay as they came. */
function indented(text: string): string {
  if (text.length > SHOWN) return text
  try {
    return writeJson(readJson(text), null, 2)
  } catch {
    return text
  }
}
