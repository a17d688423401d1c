import { useRef } from 'preact/hooks'
import { keepKey, keyOfTab } from '../service/session'
import { useDialog } from './focus'

/** Asks for the API key. The tab keeps it until it is closed; an empty one is forgotten. */
export function KeyDialog({ onDone, onCancel }: { onDone: () => void; onCancel: () => void }) {
  const dialog = useDialog(onCancel)
  const input = useRef<HTMLInputElement>(null)
  const submit = (event: Event) => {
    event.preventDefault()
    keepKey(input.current?.value || null)
    onDone()
  }
  return (
    <dialog ref={dialog} aria-labelledby="key-title">
      <form onSubmit={submit}>
        <h2 id="key-title">API key</h2>
        <p class="quiet">This tab keeps the key until it is closed. It is sent to this service only.</p>
        <label>
          Key
          <input ref={input} type="password" autocomplete="off" value={keyOfTab() ?? ''} />
        </label>
        <footer>
          <button type="button" class="plain" onClick={onCancel}>
            Cancel
          </button>
          <button type="submit">Use it</button>
        </footer>
      </form>
    </dialog>
  )
}
