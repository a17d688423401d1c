import type { ErrorCode } from '../../core/errors.js'
import type { TriedCollection } from './staged-collection.js'

/** What the trial of a snapshot is told, as JSON: the one message that it gets. */
export interface TrialTask {
  /** Of the disk. */
  root: string
  collections: readonly TriedCollection[]
  /** To keep to, by itself. */
  memoryBytes: number
}

/** What it says: how much memory it has, now and then, and at the end what came of the trial. */
export type TrialReport = { residentBytes: number } | { failure: TrialFailure | null }

export interface TrialFailure {
  code: ErrorCode
  message: string
  details: Record<string, unknown>
}
