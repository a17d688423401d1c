import type { CallNotes } from '../core/call-notes.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Schema } from '../core/schema.js'
import type { Stoppable } from '../core/stop.js'
import type { Shard } from '../native/shard.js'

/** The rows of one collection, which queries read. */
export interface Source {
  readonly name: string
  readonly shard: Shard
  readonly schema: Schema
}

/**
 * A collection in which a query of another collection looks up points. Its rows may be replaced at any time. Each read
 * takes the present rows, and runs again if they were replaced meanwhile.
 */
export interface LookedUp {
  readonly name: string
  readonly schema: Schema
  read<T>(work: (source: Source) => MaybePromise<T>): MaybePromise<T>
}

/** Finds a collection by name for `lookup_from` and `with_lookup`. Throws NOT_FOUND. */
export type Catalog = (name: string) => LookedUp

/** The source and the parameters of a running query. */
export interface QueryScope {
  source: Source
  catalog: Catalog
  call: Stoppable | undefined
  explains: boolean
  /** Notes of the call; null where nobody wants any. */
  notes: CallNotes | null
  /** Most bytes that the rows of each read may take; undefined: no bound. */
  mostBytes: number | undefined
}
