/** The rows of the table of collections, by the metrics, or by the infos that a token may ask for. */
import { byCollection, type Metrics } from '../../service/metrics-text.js'
import type { CollectionInfo } from '../../service/types.js'

export interface Row {
  name: string
  /** Numbers are undefined where nobody has told them. */
  points?: number | undefined
  vectors?: number | undefined
  indexed?: number | undefined
  resident?: number | undefined
  disk?: number | undefined
  /** Such as `log 1 KiB, table 2 MiB`: bytes by part. */
  diskParts?: readonly (readonly [part: string, bytes: number])[] | undefined
  status: string
}

/** `…` until the numbers are there. */
const UNKNOWN = '…'

export function namedRows(names: readonly string[]): Row[] {
  return names.map((name) => ({ name, status: UNKNOWN }))
}

export function measuredRows(names: readonly string[], metrics: Metrics): Row[] {
  const of = (name: string) => byCollection(metrics, name)
  const [points, vectors, indexed] = [
    of('collection_points'),
    of('collection_vectors'),
    of('collection_indexed_vectors'),
  ]
  const resident = of('collection_resident_bytes')
  const disk = diskOf(metrics)
  const statusOf = statuses(metrics)
  return names.map((name) => ({
    name,
    points: points.get(name),
    vectors: vectors.get(name),
    indexed: indexed.get(name),
    resident: resident.get(name),
    disk: disk.get(name)?.reduce((sum, [, bytes]) => sum + bytes, 0),
    diskParts: disk.get(name),
    status: statusOf(name),
  }))
}

function diskOf(metrics: Metrics): Map<string, (readonly [part: string, bytes: number])[]> {
  const found = new Map<string, (readonly [string, number])[]>()
  for (const { labels, value } of metrics.get('collection_disk_bytes') ?? []) {
    const { id = '', part = '' } = labels
    found.set(id, [...(found.get(id) ?? []), [part, value]])
  }
  return found
}

/** A collection that cannot be opened is red, too. Only open ones tell of memory. */
function statuses(metrics: Metrics): (name: string) => string {
  const of = (name: string) => byCollection(metrics, name)
  const [red, yellow, warnings] = [of('collection_red'), of('collection_yellow'), of('collection_warnings')]
  const open = of('collection_resident_bytes')
  return (name) => {
    if (red.get(name)) return 'red'
    if (!open.has(name)) return 'closed'
    if (warnings.get(name)) return 'warns'
    return yellow.get(name) ? 'yellow' : 'green'
  }
}

/** Of infos that were refused there is the error alone. */
export function toldRows(names: readonly string[], infos: ReadonlyMap<string, CollectionInfo | Error>): Row[] {
  return names.map((name) => {
    const info = infos.get(name)
    if (info === undefined) return { name, status: UNKNOWN }
    if (info instanceof Error) return { name, status: 'red' }
    return {
      name,
      points: info.points_count,
      vectors: info.vectors_count,
      indexed: info.indexed_vectors_count,
      resident: info.memory.total.resident_bytes,
      status: info.status === 'green' && info.warnings?.length ? 'warns' : info.status,
    }
  })
}

export type Column = 'name' | 'points' | 'vectors' | 'indexed' | 'resident' | 'disk' | 'status'
/** The worst first. */
const ORDER = ['red', 'warns', 'yellow', 'green', 'closed', UNKNOWN]

/** Names rise; numbers fall, because people look for the largest. */
export function sorted(rows: Row[], by: Column): Row[] {
  if (by === 'name') return rows.sort((a, b) => (a.name < b.name ? -1 : 1))
  if (by === 'status') return rows.sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status))
  return rows.sort((a, b) => (b[by] ?? -1) - (a[by] ?? -1))
}

/** The collections with the most in memory, the sum of all, and the sum of the others. */
export function largestOf(rows: readonly Row[], most: number) {
  const held = rows.flatMap(({ name, resident }) => (resident ? [{ name, resident }] : []))
  held.sort((a, b) => b.resident - a.resident)
  const sum = (of: typeof held) => of.reduce((all, { resident }) => all + resident, 0)
  const others = held.slice(most)
  return { largest: held.slice(0, most), all: sum(held), others: { count: others.length, resident: sum(others) } }
}

/** Closed collections, and how many of them nobody has counted since they were closed. */
export function closedIn(rows: readonly Row[]): { names: string[]; uncounted: number } {
  const closed = rows.filter(({ status }) => status === 'closed')
  return {
    names: closed.map(({ name }) => name),
    uncounted: closed.filter(({ points }) => points === undefined).length,
  }
}

/** A text that changes with the collections that warn or are red. */
export function troublesIn(metrics: Metrics): string {
  return ['collection_red', 'collection_warnings']
    .flatMap((name) => [...byCollection(metrics, name)].filter(([, value]) => value > 0))
    .map(([name, value]) => `${name} ${value}`)
    .join('\n')
}
