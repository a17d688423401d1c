import type { Awaitable } from '../core/awaitable.js'
import type { SchemaVector } from '../core/schema.js'
import type { Stoppable } from '../core/stop.js'
import type { Shard } from '../native/shard.js'

/** What queries read: the rows of one collection. */
export interface Source {
  readonly name: string
  readonly shard: Shard
  readonly schema: readonly SchemaVector[]
}

/**
 * A collection that a query of any looks points up in. Other rows may take the place of its rows at any time, which is no
 * business of the query's own collection: each read is of those of the moment, and done anew where they went meanwhile.
 */
export interface LookedUp {
  readonly name: string
  readonly schema: readonly SchemaVector[]
  read<T>(work: (source: Source) => Awaitable<T>): Awaitable<T>
}

/** The collection of a name, for `lookup_from` and `with_lookup`; throws NOT_FOUND. */
export type Catalog = (name: string) => LookedUp

/** What a query is run on and with. */
export interface QueryScope {
  source: Source
  catalog: Catalog
  call: Stoppable | undefined
  explains: boolean
  /** What the rows of each read may take in memory; undefined: any. */
  mostBytes: number | undefined
}
