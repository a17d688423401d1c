import type { ComponentChildren } from 'preact'
import { type Change, useMay } from '../service/rights'

/** Shows a change only to callers that may make it. */
export function May({ change, of, children }: { change: Change; of: string; children: ComponentChildren }) {
  return useMay(change, of) ? <>{children}</> : null
}
