import type { ShardStats } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import { memoryBudget } from './memory-budget.js'

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

/** Counts rows, and estimates bytes of rows, that are in no segment file. */
export function unspilledRows({ segments }: ShardStats): number {
  return segments.reduce((sum, { rows, checkpointedRows }) => sum + rows - checkpointedRows, 0)
}

export function unspilledBytes({ segments }: ShardStats): number {
  return segments.reduce((sum, { bytes, rows, checkpointedRows }) => {
    return sum + (rows === 0 ? 0 : (bytes * (rows - checkpointedRows)) / rows)
  }, 0)
}

/** Freezes the active segment once it is `segmentBytes` large, so that its file need not be written again. */
export function freezeIfLarge(shard: { stats(): ShardStats; freeze(): number }, segmentBytes: number): void {
  const active = shard.stats().segments.find((segment) => segment.active)
  if (active && active.bytes >= segmentBytes) shard.freeze()
}
