import { parseWatermark, watermarkText } from '../../bucket/watermark.js'
import { CallOptions } from '../../core/call-options.js'
import { invalid, VicinalError } from '../../core/errors.js'
import { givenIfAny } from '../../core/given-options.js'
import { innerOf } from '../../core/inner-call.js'
import type { MaybePromise } from '../../core/maybe-promise.js'
import { withCall, withDeadline } from '../collection/call-scope.js'
import type { CollectionStore } from '../stores/collection-store.js'
import { type StoreProgress, WatermarkWaits } from '../stores/watermark-waits.js'

/** A caller may retry after so long at a node that has not reached its watermark. */
const RETRY_AFTER_MS = 1_000

/** Watermarks of a database on a store, as callers have them: opaque texts. */
export class Watermarks {
  readonly #store: Pick<CollectionStore, 'progress'>
  readonly #uuidsOf: (names?: readonly string[]) => string[]
  readonly #waits: WatermarkWaits | null

  /** `uuidsOf` finds the collections of these names and aliases that are there; without names, all. */
  constructor(store: Pick<CollectionStore, 'progress'>, uuidsOf: (names?: readonly string[]) => string[]) {
    this.#store = store
    this.#uuidsOf = uuidsOf
    this.#waits = store.progress ? new WatermarkWaits(() => store.progress as StoreProgress) : null
  }

  /** Of everything that this node has written or can read; null where there are none. */
  current(): MaybePromise<string | null> {
    const { progress } = this.#store
    return progress ? progress.position().then(watermarkText) : null
  }

  /** For a state that was there already. Rejects with UNAVAILABLE if another node has replaced this one. */
  async unchanged(): Promise<false> {
    await this.#store.progress?.confirm?.()
    return false
  }

  /** Runs a verb once this node has reached the caller's watermark. */
  async within<T>(call: CallOptions | undefined, work: () => Promise<T>): Promise<T> {
    if (call?.after !== undefined) await this.reach(call.after, call, [])
    return await withCall(call, work)
  }

  /**
   * Resolves once this node has everything up to the watermark: the catalogue, and the named collections or else all.
   * Rejects with INVALID_ARGUMENT for a text that is none, and with UNAVAILABLE at the call's deadline.
   */
  async reach(after: string, call?: CallOptions, collections?: readonly string[]): Promise<void> {
    const wanted = parseWatermark(after)
    const waits = this.#waits
    if (!waits) throw invalid('after', 'only a database on a store gives watermarks', after)
    const reads = () => this.#uuidsOf(collections)
    let why = ''
    const onTrouble = (trouble: string) => {
      why = `: ${trouble}`
    }
    try {
      await withDeadline(ownOptions(call), (scope) => waits.until(wanted, reads, scope.signal, onTrouble))
    } catch (error) {
      if (!(error instanceof VicinalError) || error.code !== 'TIMEOUT') throw error
      throw new VicinalError('UNAVAILABLE', `after: this node has not read ${after} in time${why}`, {
        details: { field: 'after' },
        retryAfterMs: RETRY_AFTER_MS,
      })
    }
  }
}

/** The options of the wait. The call's own may be a query with all its options. */
function ownOptions(call: CallOptions | undefined): CallOptions | undefined {
  if (call === undefined || innerOf(call)) return call
  const { signal, timeoutMs } = call
  return givenIfAny(CallOptions, { ...(signal && { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) })
}
