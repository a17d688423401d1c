import type { Clock } from '../../core/clock.js'
import type { Manifest } from '../../storage/manifest.js'
import { RateLimit } from '../limits/rate-limit.js'
import { StrictMode } from '../limits/strict-mode.js'
import type { MeasuredCollection } from '../memory/memory-table.js'
import { liveVectorBytes } from './collection-info.js'
import type { CollectionView } from './collection-view.js'

interface BoundedCollection extends MeasuredCollection {
  readonly view: CollectionView
}

/** The strict mode of an open collection, with its counts of reads and writes. */
export class OwnersBounds {
  readonly #collection: BoundedCollection
  readonly #manifest: { readonly current: Manifest }
  readonly #reads: RateLimit
  readonly #writes: RateLimit

  constructor(collection: BoundedCollection, manifest: { readonly current: Manifest }, clock: Clock) {
    this.#collection = collection
    this.#manifest = manifest
    this.#reads = new RateLimit('Read', () => clock.monotonicMs())
    this.#writes = new RateLimit('Write', () => clock.monotonicMs())
  }

  /** null if the collection's owner has not enabled it. */
  get strictMode(): StrictMode | null {
    const { config, payloadIndexes } = this.#manifest.current
    const { strictModeConfig } = config
    if (!strictModeConfig?.enabled) return null
    const collection = this.#collection
    return new StrictMode(strictModeConfig, {
      collection: config,
      payloadIndexes,
      points: () => collection.shard.stats().points,
      vectorBytes: () => liveVectorBytes(collection.view),
      payloadBytes: () => collection.shard.stats().payloadBytes,
      reads: this.#reads,
      writes: this.#writes,
    })
  }
}
