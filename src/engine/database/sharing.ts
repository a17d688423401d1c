import type { Database } from '../../core/database.js'
import type { CollectionConfig } from '../../core/schema.js'
import type { VectorIdentity } from '../../storage/table-layout.js'
import type { CollectionView } from '../collection/collection-view.js'

/** All that another thread of this process needs to read a collection; passes from thread to thread as it is. */
export interface SharedCollection {
  readonly name: string
  readonly config: CollectionConfig
  readonly vectors: readonly VectorIdentity[]
  /** The number of its shard, see `Shard.shared`. */
  readonly shard: number
}

/** A database that threads beside its own may read. */
export interface SharingDatabase extends Database {
  /** By its name or an alias; null where there is none that others may read by themselves. */
  share(name: string): SharedCollection | null
}

export function sharedOf({ name, config, vectors, shard }: CollectionView): SharedCollection {
  return { name, config, vectors, shard: shard.share() }
}
