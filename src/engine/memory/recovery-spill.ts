import type { Shard } from '../../native/shard.js'
import { memoryBudget } from './memory-budget.js'
import { freezeIfLarge, unspilledBytes } from './unspilled.js'

/**
 * Keeps a shard below the memory limit while it is filled, by writing rows to segment files on the way. No manifest
 * names these files before the next checkpoint. After a crash the next open removes them.
 */
export class RecoverySpill {
  readonly #folder: string | null
  readonly #isTrial: boolean

  /** `folder` is the folder of segment files; null for a process that may not write there. A trial builds no graphs. */
  constructor(folder: string | null, { isTrial = false } = {}) {
    this.#folder = folder
    this.#isTrial = isTrial
  }

  /** Call it before the first row. */
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
