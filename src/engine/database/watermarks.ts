import { parseWatermark, watermarkText } from '../../bucket/watermark.js'
import type { CallOptions } from '../../core/call-options.js'
import { invalid, VicinalError } from '../../core/errors.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import { withCall } from '../collection/call-scope.js'
import type { CollectionStore } from '../stores/collection-store.js'
import { type StoreProgress, WatermarkWaits } from '../stores/watermark-waits.js'

/** When a caller may ask a node again that has not read what it demands. */
const RETRY_AFTER_MS = 1_000

/** Watermarks of a database on a store, as callers have them: opaque texts. */
export class Watermarks {
  readonly #store: Pick<CollectionStore, 'progress'>
  readonly #waits: WatermarkWaits | null

  constructor(store: Pick<CollectionStore, 'progress'>) {
    this.#store = store
    this.#waits = store.progress ? new WatermarkWaits(() => store.progress as StoreProgress) : null
  }

  /** Of everything that this node has written or can read; null where there are none. */
  current(): MaybePromise<string | null> {
    const { progress } = this.#store
    return progress ? progress.position().then(watermarkText) : null
  }

  /**
   * Resolves once this node has everything up to the watermark. Rejects with INVALID_ARGUMENT for a text that is none,
   * and with UNAVAILABLE at the call's deadline.
   */
  async reach(after: string, call?: CallOptions): Promise<void> {
    const wanted = parseWatermark(after)
    const waits = this.#waits
    if (!waits) throw invalid('after', 'only a database on a store gives watermarks', after)
    try {
      await withCall(call, (scope) => waits.until(wanted, scope.signal))
    } catch (error) {
      if (!(error instanceof VicinalError) || error.code !== 'TIMEOUT') throw error
      throw new VicinalError('UNAVAILABLE', `after: this node has not read ${after} in time`, {
        details: { field: 'after' },
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
  }
}
