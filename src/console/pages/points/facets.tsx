import { whole } from '../../parts/words'
import { useAsked } from '../../service/polled'
import { ask } from '../../service/session'
import type { CollectionInfo } from '../../service/types'
import type { Condition } from './conditions'
import { cut, isLong } from './value'

/** Kinds of indexes whose values can be counted. */
const COUNTED = new Set(['keyword', 'integer', 'bool', 'uuid'])
const MOST_KEYS = 6
const MOST_VALUES = 12

interface Parts {
  path: string
  schema: CollectionInfo['payload_schema']
  filter: object | undefined
  /** The filter as text: the counts depend on it. */
  depends: string
  onPick: (condition: Condition) => void
}

/** The most frequent values of indexed keys, within the filter. */
export function Facets({ path, schema, filter, depends, onPick }: Parts) {
  const keys = Object.entries(schema).filter(([, { data_type }]) => COUNTED.has(data_type))
  return (
    <>
      {keys.slice(0, MOST_KEYS).map(([key]) => (
        <Facet key={key} {...{ path, of: key, filter, depends, onPick }} />
      ))}
    </>
  )
}

function Facet({ path, of, filter, depends, onPick }: Omit<Parts, 'schema'> & { of: string }) {
  const counted = useAsked(
    (signal) =>
      ask<{ hits: { value: string | number | bigint | boolean; count: number }[] }>(
        'POST',
        `${path}/facet`,
        { key: of, limit: MOST_VALUES, filter },
        signal,
      ),
    [path, of, depends],
  )
  const hits = counted.value?.hits ?? []
  if (hits.length === 0) return null
  return (
    <ul class="chips" aria-label={`Values of ${of}`}>
      <li class="quiet">{of}</li>
      {hits.map(({ value, count }) => (
        <li key={String(value)} class="chip">
          {isLong(value) ? (
            <span>{cut(value)}</span>
          ) : (
            <button type="button" class="value" onClick={() => onPick({ key: of, value })}>
              {String(value)}
            </button>
          )}{' '}
          <span class="quiet">{whole(count)}</span>
        </li>
      ))}
    </ul>
  )
}
