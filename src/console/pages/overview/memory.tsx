import { Section } from '../../parts/basics'
import { linkTo } from '../../parts/place'
import { bytes, percent, whole } from '../../parts/words'
import { KINDS, type Kind, residentByKind, sizeOf } from '../../service/memory-parts'
import { useAsked } from '../../service/polled'
import { ask } from '../../service/session'
import type { CollectionInfo } from '../../service/types'
import { Closed } from './closed'
import { largestOf, type Row } from './rows'

/** Collections whose parts are told: there may be thousands, and each is a request. */
const LARGEST = 5
const LOOK_EVERY_MS = 10_000
/** The same process is told by each collection. */
const OF_PROCESS: readonly [field: string, name: string][] = [
  ['collections_bytes', 'collections'],
  ['program_bytes', 'program'],
  ['javascript_bytes', 'JavaScript'],
  ['buffers_bytes', 'buffers'],
  ['store_bytes', 'store'],
  ['native_heap_bytes', 'native heap'],
  ['other_bytes', 'the rest'],
]

/** The collections that take the most memory, each with its parts. Their sizes are known from `rows` already. */
export function Memory({ rows, onOpened }: { rows: readonly Row[]; onOpened: () => void }) {
  const { largest, all, others } = largestOf(rows, LARGEST)
  const names = largest.map(({ name }) => name)
  const infos = useAsked(
    async (signal) => {
      const found = new Map<string, CollectionInfo>()
      for (const name of names) {
        const path = `/collections/${encodeURIComponent(name)}`
        const info = await ask<CollectionInfo>('GET', path, undefined, signal).catch(() => null)
        if (info) found.set(name, info)
      }
      return found
    },
    [names.toSorted().join('/')],
    LOOK_EVERY_MS,
  ).value
  const most = largest[0]?.resident ?? 0
  const closed = <Closed rows={rows} onOpened={onOpened} />
  if (most === 0) return closed
  const process = [...(infos?.values() ?? [])][0]?.memory.process
  return (
    <Section
      title="Memory by collection"
      beside={<span class="quiet">{bytes(all)} in memory of all open collections; a name leads to all parts</span>}
    >
      <ol class="shares">
        {largest.map(({ name, resident }) => (
          <Share key={name} name={name} resident={resident} all={all} most={most} info={infos?.get(name)} />
        ))}
      </ol>
      {others.count > 0 && (
        <p class="quiet small">
          {whole(others.count)} others: {bytes(others.resident)}
        </p>
      )}
      {closed}
      {process && <p class="quiet small">The process: {processText(process)}</p>}
    </Section>
  )
}

function processText(process: Record<string, number | null>): string {
  const parts = OF_PROCESS.flatMap(([field, name]) => (process[field] ? [`${name} ${bytes(process[field])}`] : []))
  return `${bytes(process.resident_bytes ?? 0)}, of which ${parts.join(', ')}`
}

interface ShareParts {
  name: string
  resident: number
  /** Of all collections. */
  all: number
  /** Of the largest one, whose bar is whole. */
  most: number
  info: CollectionInfo | undefined
}

function Share({ name, resident, all, most, info }: ShareParts) {
  const kinds = info ? residentByKind(info.memory) : []
  return (
    <li>
      <a href={linkTo(['collections', name])}>{name}</a>
      <span class="amount">
        {bytes(resident)} in memory{' '}
        <span class="quiet">
          {percent(resident / all)}
          {info && `; size ${bytes(sizeOf(info.memory))}`}
        </span>
      </span>
      <Bar kinds={kinds} share={resident / most} />
      <ul class="legend small">
        {kinds.map(([kind, of]) => (
          <li key={kind}>
            <span class={`key ${classOf(kind)}`} /> {kind} {bytes(of)}
          </li>
        ))}
      </ul>
    </li>
  )
}

/** The text beside it tells the same. */
function Bar({ kinds, share }: { kinds: readonly [Kind, number][]; share: number }) {
  const sum = kinds.reduce((all, [, of]) => all + of, 0)
  let from = 0
  return (
    <svg class="meter" aria-hidden="true" viewBox="0 0 100 6" preserveAspectRatio="none">
      <rect class="meter-all" width="100" height="6" />
      {sum === 0 && <rect class="meter-part" width={100 * share} height="6" />}
      {kinds.map(([kind, of]) => {
        const width = (100 * share * of) / sum
        from += width
        return <rect key={kind} class={classOf(kind)} x={from - width} width={width} height="6" />
      })}
    </svg>
  )
}

function classOf(kind: Kind): string {
  return `kind-${KINDS.indexOf(kind)}`
}
