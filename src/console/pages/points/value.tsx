import { useState } from 'preact/hooks'
import type { Condition } from './filter-bar'

/** A longer text is cut until it is asked for: a browser takes seconds to lay out two megabytes. */
const TEXT = 300
const LONGEST_TEXT = 20_000
const ITEMS = 20
const PICTURE = /^data:image\/(png|jpeg|gif|webp|avif);base64,/
const LINK = /^https?:\/\/\S+$/

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
}

/** A key as paths of filters have it: in quotes where it would be read as more than one. */
export function pathOf(key: string): string {
  return /^[\p{L}\p{N}_-]+$/u.test(key) ? key : `"${key.replaceAll(/["\\]/g, '\\$&')}"`
}

/** A value of a payload, by its kind. */
export function Value({ value, path, onPick }: Parts) {
  if (value === null) return <span class="quiet">null</span>
  if (Array.isArray(value)) return <Items items={value} path={`${path}[]`} onPick={onPick} />
  if (typeof value === 'object') return <Fields fields={value as Record<string, unknown>} path={path} onPick={onPick} />
  if (typeof value !== 'string') return <Pick value={value as number | boolean} path={path} onPick={onPick} />
  if (isPicture(value)) return <img src={value} alt={`In ${path}`} loading="lazy" referrerpolicy="no-referrer" />
  if (LINK.test(value)) {
    return (
      <a href={value} target="_blank" rel="noopener noreferrer">
        {value.slice(0, TEXT)}
      </a>
    )
  }
  return value.length > TEXT ? <LongText text={value} /> : <Pick value={value} path={path} onPick={onPick} />
}

function Pick({ value, path, onPick }: { value: string | number | boolean; path: string; onPick: Parts['onPick'] }) {
  return (
    <button
      type="button"
      class="value"
      title={`Only points with this ${path}`}
      onClick={() => onPick({ key: path, value })}
    >
      {value === '' ? '“”' : String(value)}
    </button>
  )
}

function LongText({ text }: { text: string }) {
  const [isWhole, setIsWhole] = useState(false)
  return (
    <>
      {text.slice(0, isWhole ? LONGEST_TEXT : TEXT)}
      {!isWhole && '… '}
      {!isWhole && (
        <button type="button" class="plain" onClick={() => setIsWhole(true)}>
          {text.length.toLocaleString('en')} characters
        </button>
      )}
      {isWhole && text.length > LONGEST_TEXT && <span class="quiet"> … the rest is in the API’s answer</span>}
    </>
  )
}

function Items({ items, path, onPick }: { items: unknown[]; path: string; onPick: Parts['onPick'] }) {
  return (
    <ul class="chips">
      {items.slice(0, ITEMS).map((item, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: items of a payload have no other name
        <li key={at} class="chip">
          <Value value={item} path={path} onPick={onPick} />
        </li>
      ))}
      {items.length > ITEMS && <li class="quiet">and {items.length - ITEMS} more</li>}
    </ul>
  )
}

function Fields({ fields, path, onPick }: { fields: Record<string, unknown>; path: string; onPick: Parts['onPick'] }) {
  return (
    <dl>
      {Object.entries(fields)
        .slice(0, ITEMS)
        .map(([key, value]) => (
          <>
            <dt key={`${key} key`}>{key}</dt>
            <dd key={key}>
              <Value value={value} path={`${path}.${pathOf(key)}`} onPick={onPick} />
            </dd>
          </>
        ))}
    </dl>
  )
}
