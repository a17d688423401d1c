import { useState } from 'preact/hooks'
import { readJson, writeJson } from '../service/exact-json'
import { ErrorLine } from './basics'
import { useDialog } from './focus'

interface Parts {
  title: string
  label: string
  value: unknown
  action: string
  /** Takes the value of the text. A failure is shown, and the dialog stays. */
  run(value: never): Promise<void>
  onDone: () => void
}

/** A value as JSON to be changed by hand. */
export function JsonDialog({ title, label, value, action, run, onDone }: Parts) {
  const dialog = useDialog(onDone)
  const [text, setText] = useState(() => writeJson(value, null, 2))
  const [error, setError] = useState<Error | null>(null)
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await run(readJson(text) as never)
      onDone()
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <dialog ref={dialog} aria-labelledby="json-title">
      <form onSubmit={submit}>
        <h2 id="json-title">{title}</h2>
        <textarea
          rows={16}
          spellcheck={false}
          aria-label={label}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <ErrorLine error={error} />
        <footer>
          <button type="button" class="plain" onClick={onDone}>
            Cancel
          </button>
          <button type="submit">{action}</button>
        </footer>
      </form>
    </dialog>
  )
}
