import { useState } from 'preact/hooks'
import { whole } from '../../parts/words'
import { writeJson } from '../../service/exact-json'
import type { Condition } from './conditions'

/** A longer text is cut until it is asked for: a browser takes seconds to lay out two megabytes. */
const TEXT = 300
const LONGEST_TEXT = 20_000
/** Items of a list or an object that are shown, by its depth. Deeper values are one text. */
const ITEMS = [20, 10]
const PICTURE = /^data:image\/(png|jpeg|gif|webp|avif);base64,/
const LINK = /^https?:\/\/\S+$/
/** RFC 3339, or its date alone. */
const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?$/

/** Hosts that the service allows pictures from. */
const HOSTS = document.querySelector('meta[name="picture-hosts"]')?.getAttribute('content')?.split(' ') ?? []
/** Without an ending of pictures an address is shown as a link. */
const PICTURE_PATH = /\.(png|jpe?g|gif|webp|avif)$/i

function isPicture(value: string): boolean {
  if (PICTURE.test(value)) return true
  if (!LINK.test(value) || !URL.canParse(value)) return false
  const { host, pathname } = new URL(value)
  return HOSTS.includes(host) && PICTURE_PATH.test(pathname)
}

interface Parts {
  value: unknown
  path: string
  onPick: (condition: Condition) => void
  /** Lists and objects around it. */
  depth?: number
}

/** A key as paths of filters have it: in quotes where it would be read as more than one. */
export function pathOf(key: string): string {
  return /^[\p{L}\p{N}_-]+$/u.test(key) ? key : `"${key.replaceAll(/["\\]/g, '\\$&')}"`
}

export function isLong(value: unknown): value is string {
  return typeof value === 'string' && value.length > TEXT
}

export function cut(text: string): string {
  return text.length > TEXT ? `${text.slice(0, TEXT)} …` : text
}

/** A value of a payload, by its kind. */
export function Value({ value, path, onPick, depth = 0 }: Parts) {
  if (value === null) return <span class="quiet">null</span>
  if (typeof value === 'object') {
    const most = ITEMS[depth]
    if (most === undefined) return <LongText text={writeJson(value)} />
    const parts = { path, onPick, depth: depth + 1, most }
    if (Array.isArray(value)) return <Items items={value} {...parts} />
    return <Fields fields={Object.entries(value)} {...parts} />
  }
  if (typeof value !== 'string') return <Pick value={value as number | bigint | boolean} path={path} onPick={onPick} />
  if (isPicture(value)) return <img src={value} alt={`In ${cut(path)}`} loading="lazy" referrerpolicy="no-referrer" />
  if (LINK.test(value)) {
    return (
      <a href={value} target="_blank" rel="noopener noreferrer">
        {cut(value)}
      </a>
    )
  }
  return isLong(value) ? <LongText text={value} /> : <Pick value={value} path={path} onPick={onPick} />
}

function Pick({ value, path, onPick }: Pick<Parts, 'path' | 'onPick'> & { value: Condition['value'] }) {
  const text = String(value)
  const date = DATE.test(text) ? dateText(text) : null
  return (
    <button
      type="button"
      class="value"
      title={`Only points with this ${cut(path)}${date === null ? '' : `, ${text}`}`}
      onClick={() => onPick({ key: path, value })}
    >
      {date === null ? text || '“”' : <time dateTime={text}>{date}</time>}
    </button>
  )
}

const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' })
const MOMENT = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })

/** In UTC, so that everyone reads the same. Null where there is no such day. */
function dateText(text: string): string | null {
  const date = new Date(text)
  if (Number.isNaN(date.getTime())) return null
  return text.includes('T') ? `${MOMENT.format(date)} UTC` : DAY.format(date)
}

function LongText({ text }: { text: string }) {
  const [isWhole, setIsWhole] = useState(false)
  if (text.length <= TEXT) return <>{text}</>
  return (
    <>
      {text.slice(0, isWhole ? LONGEST_TEXT : TEXT)}
      {!isWhole && '… '}
      {!isWhole && (
        <button type="button" class="plain" onClick={() => setIsWhole(true)}>
          {whole(text.length)} characters
        </button>
      )}
      {isWhole && text.length > LONGEST_TEXT && <span class="quiet"> … the rest is in the API’s answer</span>}
    </>
  )
}

interface Nested {
  path: string
  onPick: Parts['onPick']
  depth: number
  most: number
}

function Items({ items, path, onPick, depth, most }: Nested & { items: unknown[] }) {
  return (
    <ul class="chips">
      {items.slice(0, most).map((item, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: items of a payload have no other name
        <li key={at} class="chip">
          <Value value={item} path={`${path}[]`} onPick={onPick} depth={depth} />
        </li>
      ))}
      {items.length > most && <li class="quiet">and {whole(items.length - most)} more</li>}
    </ul>
  )
}

function Fields({ fields, path, onPick, depth, most }: Nested & { fields: [string, unknown][] }) {
  return (
    <>
      <dl>
        {fields.slice(0, most).map(([key, value]) => (
          <>
            <dt key={`${key} key`}>{cut(key)}</dt>
            <dd key={key}>
              <Value value={value} path={`${path}.${pathOf(key)}`} onPick={onPick} depth={depth} />
            </dd>
          </>
        ))}
      </dl>
      {fields.length > most && <span class="quiet">and {whole(fields.length - most)} more fields</span>}
    </>
  )
}
