import type { WireFailure } from '../storage/arrow-messages.js'
import type { StagedCollection } from './staged-collection.js'

/** What the trial of a snapshot is told: the one message that it gets. */
export interface TrialTask {
  /** Of the disk. */
  root: string
  collections: readonly StagedCollection[]
  /** To keep to, by itself. */
  memoryBytes: number
}

/** What it says: how much memory it has, now and then, and at the end what came of the trial. */
export type TrialReport = { residentBytes: number } | { failure: WireFailure | null }
