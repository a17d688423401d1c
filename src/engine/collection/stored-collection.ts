import type { CollectionCounts } from '../../core/schema.js'

/** The identity of a collection. Another one of its name has another uuid. */
export interface StoredCollection {
  readonly name: string
  readonly uuid: string
  /** How much it held when it was last closed, if it was closed properly. */
  readonly counts?: CollectionCounts | null
}
