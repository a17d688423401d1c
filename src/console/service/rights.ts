/** The rights of this tab's caller, as the service tells them. The service refuses the rest in any case. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Mode, Rights } from './access'
import { ask } from './session'

/** Points; extras, such as indexes and snapshots; or everything. */
export type Change = 'points' | 'extras' | 'all'

export const RightsOfTab = createContext<Rights | null>(null)

export function askRights(): Promise<Rights> {
  return ask<Rights>('GET', '/access')
}

/** Whether the caller may make such a change. As long as its rights are not known, no. */
export function useMay(change: Change, collection: string): boolean {
  const rights = useContext(RightsOfTab)
  if (rights === null) return false
  if (typeof rights.access === 'string') return rights.access === 'm'
  if (change === 'all') return false
  const mode = modeOf(rights, collection)
  return mode === 'rw' || (mode === 'prw' && change === 'points')
}

/** Whether the caller may read a collection: its points, or the extras that stand beside them. */
export function useMayRead(what: 'points' | 'extras', collection: string): boolean {
  const rights = useContext(RightsOfTab)
  if (rights === null) return false
  if (typeof rights.access === 'string') return true
  const mode = modeOf(rights, collection)
  return mode !== undefined && (what === 'points' || mode !== 'prw')
}

function modeOf({ access }: Rights, collection: string): Mode | undefined {
  return typeof access === 'string' ? undefined : access.find((one) => one.collection === collection)?.access
}
