import type { SchemaVector } from '../core/schema.js'
import type { Cancellable, Shard } from '../native/shard.js'

/** What queries read: the rows of one collection. */
export interface Source {
  readonly name: string
  readonly shard: Shard
  readonly schema: readonly SchemaVector[]
}

/** The collection of a name, for `lookup_from` and `with_lookup`; throws NOT_FOUND. */
export type Catalog = (name: string) => Source

/** What a query is run on and with. */
export interface QueryScope {
  source: Source
  catalog: Catalog
  call: Cancellable | undefined
  explains: boolean
}
