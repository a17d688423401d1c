/** Sets of ids that are too long for an address: the tab keeps the last few, and addresses have their names. */
import type { PointId } from '../service/types'

const MOST_SETS = 4
const NAME = 'kept-'

const sets = new Map<string, readonly PointId[]>()
let last = 0

/** Their name in an address. */
export function keepIds(ids: readonly PointId[]): string {
  const name = `${NAME}${++last}`
  sets.set(name, ids)
  sets.delete(`${NAME}${last - MOST_SETS}`)
  return name
}

/** None for a name of ids that were kept before the tab was loaded anew; null for a text that is no such name. */
export function keptIds(text: string | null): readonly PointId[] | null {
  return text?.startsWith(NAME) ? (sets.get(text) ?? []) : null
}
