import type { Shard } from '../../native/shard.js'
import { memoryBudget } from './memory-budget.js'
import { freezeIfLarge, unspilledBytes } from './unspilled.js'

/**
 * Keeps a shard that is being filled below the limit of memory: rows go to segment files on the way. Nothing names those
 * until the first checkpoint that does; a crash before leaves files that the next open removes.
 */
export class RecoverySpill {
  readonly #folder: string | null
  readonly #isTrial: boolean

  /** Of the segment files; null for those who may not write there. A trial looks at rows, and has no use for graphs. */
  constructor(folder: string | null, { isTrial = false } = {}) {
    this.#folder = folder
    this.#isTrial = isTrial
  }

  /** Before the first row. */
  before(shard: Shard): void {
    if (this.#isTrial) shard.setIndexing(false)
  }

  async after(shard: Shard): Promise<void> {
    if (this.#folder === null || !memoryBudget.isLimited) return
    if (unspilledBytes(shard.stats()) < memoryBudget.spillBytes) return
    if (!this.#isTrial) await shard.waitForIndex()
    await shard.checkpoint(this.#folder)
    freezeIfLarge(shard, memoryBudget.segmentBytes)
    await shard.shed(false)
  }
}
