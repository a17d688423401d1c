/** Rights, the needs of each route, and their words. */

export type Mode = 'r' | 'rw' | 'prw'

export interface Rights {
  subject: string
  access: 'r' | 'm' | { collection: string; access: Mode }[]
}

/** Collections that are named; the rest is counted. */
const NAMED = 3
const MODES: Record<Mode, string> = { r: 'reads', prw: 'writes points of', rw: 'writes' }

/** A caller's rights, in words. */
export function rightsText({ access }: Rights): string {
  if (access === 'm') return 'may do everything'
  if (access === 'r') return 'reads everything'
  if (access.length === 0) return 'may do nothing'
  const modes = Object.keys(MODES) as Mode[]
  const texts = modes.flatMap((mode) => {
    const names = access.filter((one) => one.access === mode).map(({ collection }) => collection)
    if (names.length === 0) return []
    const rest = names.length > NAMED ? [`${names.length - NAMED} more`] : []
    return [`${MODES[mode]} ${[...names.slice(0, NAMED), ...rest].join(', ')}`]
  })
  return texts.join('; ')
}

/** The need of a route: of one collection, of the extras beside its points, of the names that the caller sees, or of all. */
export interface Need {
  isWrite: boolean
  scope: 'open' | 'listed' | 'collection' | 'extras' | 'all'
}

const OPEN = /^\/(|healthz|livez|readyz)$/
const LISTED = /^\/(access|aliases|cluster\/telemetry|collections|issues|openapi\.json|telemetry)$/
const SNAPSHOTS = /^(\/shards\/\{\w+\})?\/snapshots(\/\{\w+\})?$/
/** Readings that are sent by POST. */
const READINGS =
  /^\/(points(\/(count|scroll|query|search|recommend|discover)(\/\w+)*)?|facet|warm|wait-for-index|quality\/(pairs|neighbours))$/

/** As the service's table of routes has it; a test compares the two. */
export function needOf(method: string, path: string): Need {
  const isGet = method === 'GET'
  const part = /^\/collections\/\{\w+\}(\/.*)?$/.exec(path)
  if (!part) {
    if (isGet && OPEN.test(path)) return { isWrite: false, scope: 'open' }
    if (isGet && LISTED.test(path)) return { isWrite: false, scope: 'listed' }
    return { isWrite: !isGet || path.startsWith('/snapshots/'), scope: 'all' }
  }
  const of = part[1] ?? ''
  const snapshots = SNAPSHOTS.exec(of)
  if (snapshots) return { isWrite: !isGet || Boolean(snapshots[2]), scope: isGet && snapshots[2] ? 'all' : 'extras' }
  if (of.includes('/snapshot')) return { isWrite: true, scope: 'all' }
  if (of === '/cluster' && isGet) return { isWrite: false, scope: 'extras' }
  if (/^(|\/cluster|\/shards.*)$/.test(of) && !isGet) return { isWrite: true, scope: 'all' }
  if (/^\/(index|vectors|quality\/reference)/.test(of)) return { isWrite: true, scope: 'extras' }
  const isReading = isGet ? !of.startsWith('/ingest/') : method === 'POST' && READINGS.test(of)
  return { isWrite: !isReading, scope: 'collection' }
}

/** Whether rights suffice for a collection, or without its name for any one. Rights that are not known do. */
export function suffice(rights: Rights | null, { isWrite, scope }: Need, collection = ''): boolean {
  if (rights === null || scope === 'open') return true
  const { access } = rights
  if (typeof access === 'string') return access === 'm' || !isWrite
  if (scope === 'listed' || scope === 'all') return scope === 'listed'
  const modes = access.filter((one) => collection === '' || one.collection === collection).map((one) => one.access)
  return modes.some((mode) => (!isWrite || mode !== 'r') && (scope === 'collection' || mode !== 'prw'))
}
