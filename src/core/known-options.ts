/** The keys of what the reading verbs are told, and how to call. */
import type { CallOptions } from './call-options.js'
import type { ReadableCollection, RetrieveOptions, ScrollOptions } from './database.js'
import { keysOf } from './known-keys.js'
import { STAGE } from './known-query.js'
import type { FacetOptions, QueryGroupsOptions, QueryOptions, SearchMatrixOptions } from './query.js'
import type { ReadOptions } from './read-options.js'
import type { RecoverOptions } from './snapshots.js'

type Table<T> = Readonly<Record<keyof T, true>>
type CountOptions = NonNullable<Parameters<ReadableCollection['count']>[0]>

const CALL: Table<CallOptions> = {
  signal: true,
  timeoutMs: true,
}
const READ: Table<ReadOptions> = { withPayload: true, withVector: true, rawPayload: true, ...CALL }

export const KNOWN_CALL = keysOf<CallOptions>(CALL)
export const KNOWN_READ = {
  retrieve: keysOf<RetrieveOptions>(READ),
  query: keysOf<QueryOptions>({ ...STAGE, offset: true, ...READ }),
  groups: keysOf<QueryGroupsOptions>({ ...STAGE, groupBy: true, groupSize: true, withLookup: true, ...READ }),
  scroll: keysOf<ScrollOptions>({ filter: true, limit: true, offset: true, orderBy: true, ...READ }),
  count: keysOf<CountOptions>({ filter: true, exact: true, ...CALL }),
  facet: keysOf<FacetOptions>({ key: true, filter: true, limit: true, exact: true, ...CALL }),
  matrix: keysOf<SearchMatrixOptions>({ filter: true, sample: true, limit: true, using: true, ...CALL }),
}

export const KNOWN_RECOVER = keysOf<RecoverOptions>({ checksum: true, priority: true, replace: true, ...CALL })
