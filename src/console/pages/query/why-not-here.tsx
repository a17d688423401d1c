import { useEffect, useRef, useState } from 'preact/hooks'
import { ErrorLine } from '../../parts/basics'
import { readJson } from '../../service/exact-json'
import type { CollectionInfo, QueryAnswer } from '../../service/types'
import type { Body, Reason } from '../../service/why'
import { idOf, whyNot } from '../../service/why-not'
import { textOf } from './starts'

interface Parts {
  path: string
  /** Of the query that this belongs to. */
  title: string
  info: CollectionInfo
  /** As it was sent. */
  body: string
  answer: QueryAnswer
  /** The editor's text. */
  text: string
  onText: (text: string) => void
}

/** Tells why a point is not among the results, and puts what would find it into the editor. */
export function WhyNotHere({ path, title, info, body, answer, text, onText }: Parts) {
  const [typed, setTyped] = useState('')
  const [reason, setReason] = useState<Reason | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const [isAsked, setAsked] = useState(false)
  const stop = useRef<AbortController | null>(null)
  // A reason holds for one answer: another one ends the question.
  useEffect(() => {
    setReason(null)
    setError(null)
    setAsked(false)
    return () => stop.current?.abort()
  }, [answer])
  const submit = async (event: Event) => {
    event.preventDefault()
    stop.current?.abort()
    stop.current = new AbortController()
    const { signal } = stop.current
    setReason(null)
    setError(null)
    setAsked(true)
    try {
      const id = idOf(typed, info.config.params.ids === 'text')
      const found = await whyNot({ path, info, body: readJson(body) as Body, answer, id, signal })
      if (!signal.aborted) setReason(found)
    } catch (failure) {
      if (!signal.aborted) setError(failure as Error)
    }
    if (!signal.aborted) setAsked(false)
  }
  return (
    <div class="why">
      <h3>Why is a point not here?</h3>
      <form class="row" onSubmit={(event) => void submit(event)}>
        <input
          required
          aria-label={`${title}: id of the missing point`}
          placeholder="Id of the point"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit" disabled={isAsked}>
          Tell why
        </button>
      </form>
      <div aria-live="polite">
        {isAsked && <p class="quiet">Asking the service …</p>}
        {reason && (
          <>
            <p>
              <strong>{reason.verdict}</strong>
            </p>
            {reason.facts.length > 0 && (
              <ul>
                {reason.facts.map((fact) => (
                  <li key={fact}>{fact}</li>
                ))}
              </ul>
            )}
            <p class="row">
              {reason.changes.map(({ name, apply }) => (
                <button key={name} type="button" class="plain" onClick={() => onText(changed(text, body, apply))}>
                  {name}
                </button>
              ))}
            </p>
          </>
        )}
      </div>
      <ErrorLine error={error} />
    </div>
  )
}

/** The editor's text with the change; where it is no object, the query that was sent. */
function changed(text: string, sent: string, apply: (body: Body) => Body): string {
  try {
    const body = readJson(text)
    if (typeof body === 'object' && body !== null) return textOf(apply(body as Body))
  } catch {
    // Not finished.
  }
  const { explain, with_payload, ...body } = readJson(sent) as Body
  return textOf(apply(body))
}
