/** Reports of imports: they stay while one moves between the pages of the console in this tab. */
import type { Brought } from '../../service/bring'
import { onKeyKept } from '../../service/session'
import type { State } from './outcome'

/** Collections whose last report is kept. */
const MOST_KEPT = 8

export interface Report {
  file: string
  brought: Brought | null
  state: State
  error: Error | null
  /** Of the collection before the import. */
  points: number
}

const kept = new Map<string, Report>()
// Another key may not be allowed to read the rows.
onKeyKept(() => kept.clear())

/** An import ends with its page, so that none is under way for a page that opens. */
export function keptReport(collection: string): Report | null {
  const report = kept.get(collection) ?? null
  return report?.state === 'under way' ? { ...report, state: 'broken off' } : report
}

export function keepReport(collection: string, report: Report | null): void {
  kept.delete(collection)
  if (report) kept.set(collection, report)
  const [oldest] = kept.keys()
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
}
