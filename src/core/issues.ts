import type { ErrorCode } from './errors.js'

/** A problem in a collection's background work. It is reported once when it begins, and once when it is over. */
export interface CollectionIssue {
  /** null if not even the name could be read. */
  readonly collection: string | null
  /** The work that fails, such as `background work`. */
  readonly about: string
  /** null if nothing was lost, such as for a damaged segment that was rebuilt. */
  readonly code: ErrorCode | null
  /** The message of the error. */
  readonly reason: string
  /** false when the problem begins, true when it is over. */
  readonly isOver: boolean
}
