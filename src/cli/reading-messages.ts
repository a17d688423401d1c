/** What the thread that has the database and a thread that reads it beside tell each other. */
import type { SharedCollection } from '../engine/database/sharing.js'
import type { BudgetRow } from '../server/admission.js'
import type { Keys } from '../server/auth.js'
import type { ServiceState } from '../server/metrics.js'
import type { ServerSettings } from '../server/settings.js'

/** What a reading thread starts with. */
export interface ReadingThreadData {
  settings: Omit<ServerSettings, 'logStream'>
  concurrentSearches: number
  /** The process has a limit of memory, which the thread that has the database keeps it to. */
  isLimited: boolean
  /** As many threads read as there are cores. */
  keepsSearches: boolean
  /** `CatalogChanges.shared`. */
  changes: Int32Array
  /** One number, shared: what the thread's heap takes. */
  heapBytes: Float64Array
  /** Counters of all threads, and the number of this thread's row. */
  budgets: BudgetRow
  forwardTo: string
  listenOn: string
}

export type ToReader =
  /** A connection, which is the reader's. */
  | { kind: 'connection'; descriptor: number }
  | { kind: 'shared'; name: string; shared: SharedCollection | null }
  /** The catalogue has changed. */
  | { kind: 'changed' }
  | { kind: 'state' }
  | { kind: 'keys'; keys: Keys }
  | { kind: 'close'; deadlineMs: number }

export type FromReader =
  | { kind: 'ready' }
  | { kind: 'share'; name: string }
  | { kind: 'state'; state: ServiceState }
  /** A connection has ended. */
  | { kind: 'ended' }
