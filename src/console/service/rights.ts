/** The rights of this tab's caller, as the service tells them. The service refuses the rest in any case. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { ask } from './session'

export interface Rights {
  subject: string
  access: 'r' | 'm' | { collection: string; access: 'r' | 'rw' | 'prw' }[]
}

/** Points; what stands beside them, such as indexes and snapshots; or everything. */
export type Change = 'points' | 'extras' | 'all'

export const RightsOfTab = createContext<Rights | null>(null)

export function askRights(): Promise<Rights> {
  return ask<Rights>('GET', '/access')
}

/** Whether the caller may make such a change. As long as nothing is known, yes: the service tells otherwise. */
export function useMay(change: Change, collection: string): boolean {
  const rights = useContext(RightsOfTab)
  if (rights === null || rights.access === 'm') return true
  if (rights.access === 'r' || change === 'all') return false
  const mode = rights.access.find((one) => one.collection === collection)?.access
  return mode === 'rw' || (mode === 'prw' && change === 'points')
}
