import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { ErrorLine } from './basics'
import { useDialog } from './focus'

interface Question {
  title: string
  text: string
  /** Must be typed before anything happens. */
  name?: string
  action: string
  run(): Promise<void>
  onDone(isRun: boolean): void
  /** Stands below the text: a change before it is made. */
  children?: ComponentChildren
  isHarmless?: boolean
}

/** Asks before a change. A thing that has a name is deleted only after its name was typed. */
export function Confirm({ title, text, name, action, run, onDone, children, isHarmless }: Question) {
  const dialog = useDialog(() => onDone(false))
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<Error | null>(null)
  const [isBusy, setIsBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    setIsBusy(true)
    try {
      await run()
      onDone(true)
    } catch (failure) {
      setError(failure as Error)
      setIsBusy(false)
    }
  }
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title">
      <form onSubmit={submit}>
        <h2 id="confirm-title">{title}</h2>
        <p>{text}</p>
        {children}
        {name !== undefined && (
          <label>
            Type “{name}” to go on
            <input value={typed} autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
        )}
        <ErrorLine error={error} />
        <footer>
          <button type="button" class="plain" onClick={() => onDone(false)}>
            Cancel
          </button>
          <button
            type="submit"
            class={isHarmless ? '' : 'danger'}
            disabled={isBusy || (name !== undefined && typed !== name)}
          >
            {action}
          </button>
        </footer>
      </form>
    </dialog>
  )
}
