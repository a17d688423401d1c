import type { Clock } from '../../core/clock.js'
import type { Manifest } from '../../storage/manifest.js'
import { RateLimit } from '../limits/rate-limit.js'
import { StrictMode } from '../limits/strict-mode.js'
import type { MeasuredCollection } from '../memory/memory-table.js'
import { liveVectorBytes } from './collection-info.js'
import type { CollectionView } from './collection-view.js'

/** The buckets of a collection's reads and writes. They outlast its engine. */
export interface Rates {
  readonly reads: RateLimit
  readonly writes: RateLimit
}

interface BoundedCollection extends MeasuredCollection {
  readonly view: CollectionView
}

/** The strict mode of an open collection, with its counts of reads and writes. */
export class OwnersBounds {
  readonly #collection: BoundedCollection
  readonly #manifest: { readonly current: Manifest }
  #rates: Rates

  constructor(collection: BoundedCollection, manifest: { readonly current: Manifest }, clock: Clock) {
    this.#collection = collection
    this.#manifest = manifest
    const nowMs = () => clock.monotonicMs()
    this.#rates = { reads: new RateLimit('Read', nowMs), writes: new RateLimit('Write', nowMs) }
  }

  /** The buckets, if strict mode is on: else there is nothing to continue. */
  get rates(): Rates | null {
    return this.#manifest.current.config.strictModeConfig?.enabled ? this.#rates : null
  }

  /** Takes the buckets of the engine that was closed: a close must not fill them. */
  continue(rates: Rates | null): void {
    const { strictModeConfig } = this.#manifest.current.config
    if (!rates || !strictModeConfig) return
    rates.reads.continue(strictModeConfig)
    rates.writes.continue(strictModeConfig)
    this.#rates = rates
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
      ...this.#rates,
    })
  }
}
