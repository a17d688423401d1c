/** Messages between the main thread and a serving thread. */
import type { SharedCollection } from '../engine/database/sharing.js'
import type { Keys } from '../server/auth.js'
import type { ServiceState } from '../server/metrics.js'
import type { BudgetRow } from '../server/places.js'
import type { ServerSettings } from '../server/server-settings.js'

/** Data with which a serving thread starts. */
export interface ServingThreadData {
  settings: Omit<ServerSettings, 'logStream'>
  concurrentSearches: number
  /** The process has a memory limit, which the main thread enforces. */
  isLimited: boolean
  /** There are as many serving threads as cores. */
  keepsSearches: boolean
  /** `CatalogChanges.shared`. */
  changes: Int32Array
  /** One shared number: bytes of the thread's heap. */
  heapBytes: Float64Array
  /** Counters of all threads, and the number of this thread's row. */
  budgets: BudgetRow
  forwardTo: string
  listenOn: string
  /** The thread makes traces of its requests, as the OTEL_ variables say. */
  isTraced: boolean
  /** File of the audit log; null: none. */
  auditLog: string | null
}

export type ToReader =
  /** Hands a connection over to the thread. */
  | { kind: 'connection'; descriptor: number }
  | { kind: 'shared'; name: string; shared: SharedCollection | 'cold' | null }
  /** The catalogue has changed, or a collection was closed. */
  | { kind: 'changed' }
  | { kind: 'state' }
  | { kind: 'keys'; keys: Keys }
  /** Opens the audit log anew. */
  | { kind: 'reopen' }
  | { kind: 'close'; deadlineMs: number }

export type FromReader =
  | { kind: 'ready' }
  | { kind: 'share'; name: string }
  | { kind: 'state'; state: ServiceState }
  /** A connection has ended. */
  | { kind: 'ended' }
