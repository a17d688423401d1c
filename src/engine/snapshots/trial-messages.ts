import type { ErrorCode } from '../../core/errors.js'
import type { TriedCollection } from './staged-collection.js'

/** The one message that the trial of a snapshot gets, as JSON. */
export interface TrialTask {
  /** Root folder of the disk. */
  root: string
  collections: readonly TriedCollection[]
  /** The memory limit that the trial applies to itself. */
  memoryBytes: number
}

/** The messages of the trial: its memory at intervals, and its outcome at the end. */
export type TrialReport = { residentBytes: number } | { failure: TrialFailure | null }

export interface TrialFailure {
  code: ErrorCode
  message: string
  details: Record<string, unknown>
}
