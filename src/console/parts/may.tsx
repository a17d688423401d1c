import type { ComponentChildren } from 'preact'
import { useContext } from 'preact/hooks'
import { type Change, RightsOfTab, useMay, useMayRead } from '../service/rights'

/** Shows a change only to callers that may make it. */
export function May({ change, of, children }: { change: Change; of: string; children: ComponentChildren }) {
  return useMay(change, of) ? <>{children}</> : null
}

interface ReadParts {
  what: 'points' | 'extras'
  of: string
  /** Stands in place of the rest for callers that may not read it. */
  otherwise: string
  children: ComponentChildren
}

/** Shows, and so asks for, only the parts that the caller may read. */
export function MayRead({ what, of, otherwise, children }: ReadParts) {
  const mayRead = useMayRead(what, of)
  if (useContext(RightsOfTab) === null) return <p class="quiet">Loading …</p>
  return mayRead ? <>{children}</> : <p class="quiet">{otherwise}</p>
}
