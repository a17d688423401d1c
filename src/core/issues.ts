import type { ErrorCode } from './errors.js'

/** What goes wrong behind reads and writes of a collection: told once when it begins, and once when it is over. */
export interface CollectionIssue {
  /** null where not even the name could be read. */
  readonly collection: string | null
  /** What cannot go on, such as `background work`. */
  readonly about: string
  /** null where it was survived: a damaged segment that was rebuilt. */
  readonly code: ErrorCode | null
  readonly reason: string
  readonly isOver: boolean
}
