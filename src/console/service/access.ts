/** Rights in words, and whether they open a route. */

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

/** The mark `x-vicinal-access` of an operation in `/openapi.json`, from the service's table of routes. */
export interface Need {
  access: 'open' | 'read' | 'write'
  /** One collection's points; the extras beside them; whatever the caller sees; or the whole database. */
  scope: 'collection' | 'extras' | 'listed' | 'all'
}

/** Whether rights suffice for a collection, or without its name for any one. Rights that are not known do. */
export function suffice(rights: Rights | null, { access: needed, scope }: Need, collection = ''): boolean {
  if (rights === null || needed === 'open') return true
  const isWrite = needed === 'write'
  const { access } = rights
  if (typeof access === 'string') return access === 'm' || !isWrite
  if (scope === 'listed' || scope === 'all') return scope === 'listed'
  const modes = access.filter((one) => collection === '' || one.collection === collection).map((one) => one.access)
  return modes.some((mode) => (!isWrite || mode !== 'r') && (scope === 'collection' || mode !== 'prw'))
}
