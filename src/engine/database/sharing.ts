import type { Database } from '../../core/database.js'
import type { CollectionConfig } from '../../core/schema.js'
import type { VectorIdentity } from '../../storage/table-layout.js'
import type { CollectionView } from '../collection/collection-view.js'

/** The data with which another thread of this process reads a collection. It is passed between threads as it is. */
export interface SharedCollection {
  readonly name: string
  readonly config: CollectionConfig
  readonly vectors: readonly VectorIdentity[]
  /** The number of its shard, see `Shard.shared`. */
  readonly shard: number
  /** Its SHARED_CELLS. */
  readonly cells: Int32Array
}

/** A database that the process's other serving threads may read. */
export interface SharingDatabase extends Database {
  /**
   * Shares a collection by its name or an alias; `cold` if it is not open, and null if other threads must not read it by
   * themselves.
   */
  share(name: string): SharedCollection | 'cold' | null
}

export function sharedOf({ name, config, vectors, shard }: CollectionView, cells: Int32Array): SharedCollection {
  return { name, config, vectors, shard: shard.share(), cells }
}
