import { VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { Mutex } from '../../core/mutex.js'
import type { Log } from '../../log/log.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
import { hasDropped, liveColumns, settled, type TableLayout } from '../../storage/table-layout.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import { tableShard } from '../config/shard-spec.js'
import { memoryBudget } from '../memory/memory-budget.js'
import { checkRows } from './table-rows.js'

/** Rows of one commit, in bytes: they are in memory four times on their way. 32 MB were no faster and took 230 MB more. */
const FLUSH_BYTES = 8 * 1024 * 1024
/** Under a limit of memory, this share of it. */
const LIMIT_SHARE = 1 / 64
const LEAST_FLUSH_BYTES = 1024 * 1024

export interface FlusherParts {
  readonly shard: Shard
  log: Log
  table: LanceTable
  manifest: ManifestFile
}

function flushBytes(): number {
  const { limitBytes } = memoryBudget
  if (limitBytes === null) return FLUSH_BYTES
  return Math.max(LEAST_FLUSH_BYTES, Math.min(FLUSH_BYTES, Math.floor(limitBytes * LIMIT_SHARE)))
}

/**
 * Brings changed rows into the table. The order is what makes it safe: commit, fsync of the table's files,
 * manifest, and only then is the log trimmed. A crash between any two leaves a table version that the
 * manifest does not name, which the next open removes. Whatever changes the table takes turns here.
 */
export class Flusher {
  readonly #parts: FlusherParts
  readonly #mutex = new Mutex()
  /** What the table's columns are. The manifest learns it with the next version, or has told it. */
  #layout: TableLayout | undefined
  #closed = false

  constructor(parts: FlusherParts) {
    this.#parts = parts
    this.#layout = parts.manifest.current.layout
  }

  get layout(): TableLayout | undefined {
    return this.#layout
  }

  /** In a turn: the same columns have become those of other vectors. */
  follow(layout: TableLayout): void {
    this.#layout = layout
    this.#parts.table.relabel(layout.vectors)
  }

  /** Flushes until nothing that was applied at the call is left. Rejects with what the disk or the table says. */
  async flush(): Promise<void> {
    const { shard, manifest } = this.#parts
    const target = shard.stats().seq
    while (manifest.current.flushedSeq < target) await this.#inTurn(() => this.#flushOnce(target))
  }

  /** Compacts the table when that pays, removes the versions that nothing names any more, and lets go of Lance's caches. */
  async housekeep(graceMs?: number): Promise<void> {
    const { table, manifest } = this.#parts
    await this.#inTurn(async () => {
      const { checkpointSeq } = manifest.current
      if (this.#layout && hasDropped(this.#layout)) await this.#removeDropped(this.#layout)
      if (await table.needsMaintenance(checkpointSeq)) {
        await manifest.update({ ...this.#layoutIfAny(), tableVersion: await table.compact({ checkpointSeq }) })
      }
      await table.removeOldVersions(manifest.current.tableVersion, graceMs)
      await table.close()
    })
  }

  /** In a turn: sees to it that the table can have one column more. */
  async makeRoom(): Promise<void> {
    if (this.#layout && this.#layout.vectors.length >= LIMITS.tableVectors) await this.#removeDropped(this.#layout)
  }

  /** Runs work while no file of table or log goes. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    return await this.#inTurn(work)
  }

  /**
   * Waits for the turn that is under way. Those that wait for theirs, or come later, are refused: Lance frees a table under
   * its own calls, and would make the folder of a collection that was removed anew.
   */
  async close(): Promise<void> {
    this.#closed = true
    await this.#mutex.idle()
  }

  async #flushOnce(target: number): Promise<void> {
    const { shard, log, table, manifest } = this.#parts
    if (manifest.current.flushedSeq >= target) return
    // Operations without a row to show for them (a delete of what never was) are covered once all rows are.
    let flushedSeq = shard.stats().seq
    const batch = await shard.takeFlush(flushBytes())
    try {
      let { tableVersion } = manifest.current
      if (batch) {
        tableVersion = await table.commit(batch)
        await table.syncNewFiles()
        flushedSeq = batch.throughSeq
      }
      await manifest.update({ ...this.#layoutIfAny(), tableVersion, flushedSeq, cleanEnd: null })
    } catch (error) {
      if (batch) shard.restoreFlush()
      throw error
    }
    if (batch) shard.completeFlush()
    await log.trim(flushedSeq)
  }

  /** Writes the table without what was dropped. Each row is checked by what it was, and sealed by what it is to be. */
  async #removeDropped(layout: TableLayout): Promise<void> {
    const { shard, table, manifest } = this.#parts
    const kept = settled(layout)
    const checker = tableShard(layout)
    try {
      const tableVersion = await table.rewrite(kept.vectors, async (batch) => {
        await checkRows(checker, table, batch)
        const rows = liveColumns(batch, layout.vectors)
        return { ...rows, crcs: await shard.checksumRows(rows) }
      })
      this.#layout = kept
      await manifest.update({ ...this.#layoutIfAny(), tableVersion })
    } finally {
      await checker.close()
    }
  }

  #layoutIfAny(): { layout?: TableLayout } {
    return this.#layout ? { layout: this.#layout } : {}
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return await this.#mutex.run(() => {
      if (!this.#closed) return work()
      throw new VicinalError('CLOSED', `collection ${JSON.stringify(this.#parts.manifest.current.name)} is closed`)
    })
  }
}
