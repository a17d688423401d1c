import { useEffect, useRef, useState } from 'preact/hooks'
import { ErrorLine } from '../../parts/basics'
import { ask } from '../../service/session'
import type { Point } from '../../service/types'

/** The payload as JSON. It replaces the stored one whole: fields that were taken out are gone. */
export function PayloadEditor({ path, point, onDone }: { path: string; point: Point; onDone: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [text, setText] = useState(() => JSON.stringify(point.payload ?? {}, null, 2))
  const [error, setError] = useState<Error | null>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await ask('PUT', `${path}/points/payload?wait=true`, { payload: JSON.parse(text), points: [point.id] })
      onDone()
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <dialog ref={dialog} aria-labelledby="edit-title" onCancel={onDone}>
      <form onSubmit={submit}>
        <h2 id="edit-title">Payload of point {String(point.id)}</h2>
        <textarea
          rows={16}
          spellcheck={false}
          aria-label="Payload"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <ErrorLine error={error} />
        <footer>
          <button type="button" class="plain" onClick={onDone}>
            Cancel
          </button>
          <button type="submit">Store it</button>
        </footer>
      </form>
    </dialog>
  )
}
