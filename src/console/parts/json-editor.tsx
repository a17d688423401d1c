import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks'
import { cursorAt, JsonTextError, parseText, placeText } from '../service/json-text'
import { type Api, flawsIn, formsAt, formsOf, keysOf, type Schema, valuesOf } from '../service/openapi'

interface Parts {
  label: string
  text: string
  onText: (text: string) => void
  rows: number
  /** Without them the editor completes nothing. */
  api: Api | null
  schema: Schema | undefined
  /** Values of this collection by the key that takes them, such as names of vectors for `using`. */
  known?: Readonly<Record<string, readonly string[]>>
  /** By Ctrl and Enter, where the editor stands in no form. */
  onRun?: (event: Event) => void
}

interface Offer {
  insert: string
  text: string
  about: string
}

interface Offers {
  start: number
  end: number
  list: Offer[]
}

/** The list scrolls. */
const MOST_OFFERS = 60
const MOST_FLAWS = 5

/**
 * JSON with completion: as a key or a value is typed, or by Ctrl and space. Arrow keys choose, Enter or Tab takes, Escape
 * closes; with the list closed Tab leaves the editor. Ctrl and Enter submit the form, which checks its fields first.
 */
export function JsonEditor({ label, text, onText, rows, api, schema, known = {}, onRun }: Parts) {
  const area = useRef<HTMLTextAreaElement>(null)
  const [offers, setOffers] = useState<Offers | null>(null)
  const [at, setAt] = useState(0)
  const id = useId()
  const forms = useMemo(() => (api ? formsOf(api, schema) : []), [api, schema])
  // Where the cursor is; null while the editor does not have the focus.
  const [cursor, setCursor] = useState<number | null>(null)
  const flaws = useMemo(() => flawsOf(text, cursor, api, forms), [text, cursor, api, forms])
  const list = useShown(offers && at)
  const offer = (asked: boolean) => {
    const { value, selectionStart } = area.current as HTMLTextAreaElement
    const found = api && offersAt(value, selectionStart, api, forms, known)
    setOffers(found && found.list.length > 0 && (asked || found.end > found.start) ? found : null)
    setAt(0)
  }
  const take = ({ insert }: Offer) => {
    const { start, end } = offers as Offers
    const field = area.current as HTMLTextAreaElement
    // As if typed, so that it can be undone.
    field.focus()
    field.setSelectionRange(start, end)
    document.execCommand('insertText', false, insert)
    setOffers(null)
  }
  const onKey = (event: KeyboardEvent) => {
    const list = offers?.list ?? []
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      const form = area.current?.form
      if (form) form.requestSubmit()
      else onRun?.(event)
    } else if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault()
      offer(true)
    } else if (list.length === 0) return
    else if (event.key === 'Escape') setOffers(null)
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setAt((at + (event.key === 'ArrowDown' ? 1 : list.length - 1)) % list.length)
    } else if (event.key === 'Enter' || event.key === 'Tab') {
      event.preventDefault()
      take(list[at] as Offer)
    }
  }
  return (
    <div class="editor">
      <textarea
        ref={area}
        rows={rows}
        spellcheck={false}
        aria-label={label}
        aria-autocomplete="list"
        aria-controls={`${id}-list`}
        {...(offers ? { 'aria-activedescendant': `${id}-${at}` } : {})}
        aria-describedby={`${id}-flaws`}
        value={text}
        onInput={(event) => {
          setCursor(event.currentTarget.selectionStart)
          onText(event.currentTarget.value)
          offer(false)
        }}
        onClick={(event) => setCursor(event.currentTarget.selectionStart)}
        onKeyUp={(event) => setCursor(event.currentTarget.selectionStart)}
        onKeyDown={onKey}
        onBlur={() => {
          setOffers(null)
          setCursor(null)
        }}
      />
      <div ref={list} id={`${id}-list`} class="offers" role="listbox" aria-label="Completions" hidden={!offers}>
        {offers?.list.map((one, place) => (
          <div
            key={one.insert}
            id={`${id}-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === at}
            onMouseDown={(event) => {
              // The editor keeps the focus.
              event.preventDefault()
              take(one)
            }}
          >
            <strong>{one.text}</strong> <span class="small">{one.about}</span>
          </div>
        ))}
      </div>
      <div id={`${id}-flaws`} class="small flaws">
        {flaws.map((flaw) => (
          <p key={flaw} class="warnings">
            {flaw}
          </p>
        ))}
      </div>
    </div>
  )
}

/** The list that keeps its child of this number in sight. */
function useShown(at: number | null) {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (at !== null) list.current?.children[at]?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return list
}

function flawsOf(text: string, cursor: number | null, api: Api | null, forms: readonly Schema[]): string[] {
  if (text.trim() === '') return []
  try {
    const root = parseText(text)
    return api ? flawsIn(api, forms, root, text).slice(0, MOST_FLAWS) : []
  } catch (error) {
    if (!(error instanceof JsonTextError) || isBeingTyped(text, error.at, cursor)) return []
    return [`${placeText(text, error.at)}: ${error.message}`]
  }
}

/** Whether the fault is the part at the cursor, which is not finished yet. */
function isBeingTyped(text: string, at: number, cursor: number | null): boolean {
  if (cursor === null) return false
  if (at >= cursor) return /^[\s"]*$/.test(text.slice(cursor, at))
  const [rest = ''] = text.slice(cursor).split('\n', 1)
  return !text.slice(at, cursor).includes('\n') && /^["\s\]},]*$/.test(rest)
}

function offersAt(
  text: string,
  offset: number,
  api: Api,
  forms: readonly Schema[],
  known: Parts['known'],
): Offers | null {
  const cursor = cursorAt(text, offset)
  if (!cursor) return null
  const there = formsAt(api, forms, cursor.path)
  const list =
    cursor.kind === 'key' ? keys(api, there, cursor.taken, text.slice(offset)) : values(there, cursor.path, known)
  const typed = cursor.typed.toLowerCase()
  const found = list.filter((one) => one.text.toLowerCase().includes(typed) && one.text !== cursor.typed)
  const rank = (one: Offer) => (one.text.toLowerCase().startsWith(typed) ? 0 : 1)
  // A quote that an editor or a hand put behind the cursor goes with the part that is replaced.
  const end = offset + (text[cursor.start] === '"' && text[offset] === '"' ? 1 : 0)
  return { start: cursor.start, end, list: found.sort((a, b) => rank(a) - rank(b)).slice(0, MOST_OFFERS) }
}

function keys(api: Api, forms: readonly Schema[], taken: readonly string[], after: string): Offer[] {
  const all = new Map(keysOf(api, forms))
  for (const key of taken) all.delete(key)
  const colon = /^"?\s*:/.test(after) ? '' : ': '
  return [...all].map(([key, about]) => ({ insert: `${JSON.stringify(key)}${colon}`, text: key, about }))
}

function values(forms: readonly Schema[], path: readonly (string | number)[], known: Parts['known']): Offer[] {
  const key = [...path].reverse().find((step) => typeof step === 'string')
  const own = (key !== undefined && known?.[key]) || []
  const all = new Map([...own, ...valuesOf(forms)].map((value) => [JSON.stringify(value), value]))
  return [...all].map(([insert, value]) => ({ insert, text: String(value), about: '' }))
}
