import { VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { Mutex } from '../../core/mutex.js'
import { workTimes } from '../../core/work-times.js'
import type { Log } from '../../log/log.js'
import type { Shard } from '../../native/shard.js'
import type { LanceTable } from '../../storage/lance-table.js'
import { hasDropped, liveColumns, settled, type TableLayout } from '../../storage/table-layout.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import { tableShard } from '../config/shard-spec.js'
import { memoryBudget } from '../memory/memory-budget.js'
import { boundsOf, type FlushParts } from './flush-bounds.js'
import type { Sources } from './sources.js'
import { checkRows } from './table-rows.js'

/** Share of the memory limit for one commit, if there is a limit. */
const LIMIT_SHARE = 1 / 64
const LEAST_FLUSH_BYTES = 1024 * 1024

export interface FlusherParts {
  readonly shard: Shard
  log: Log
  table: LanceTable
  manifest: ManifestFile
  sources: Sources
  home: FlushParts['home']
}

function flushBytes(home: FlushParts['home']): number {
  const { commitBytes } = boundsOf({ home })
  const { limitBytes } = memoryBudget
  if (limitBytes === null) return commitBytes
  return Math.max(LEAST_FLUSH_BYTES, Math.min(commitBytes, Math.floor(limitBytes * LIMIT_SHARE)))
}

/**
 * Brings changed rows into the table. The order makes it safe: fdatasync of their records in the log, commit, fsync of the table's files, manifest, and only
 * then the log is trimmed. A crash between any two leaves a table version that the manifest does not name; the next
 * open removes it. Every change of the table takes its turn here.
 */
export class Flusher {
  readonly #parts: FlusherParts
  readonly #mutex = new Mutex()
  /** Columns of the Lance table. The manifest may get a new layout only with the next table version. */
  #layout: TableLayout | undefined
  #closed = false

  constructor(parts: FlusherParts) {
    this.#parts = parts
    this.#layout = parts.manifest.current.layout
  }

  get layout(): TableLayout | undefined {
    return this.#layout
  }

  /** Call it in a turn: the same columns now belong to other vectors. */
  follow(layout: TableLayout): void {
    this.#layout = layout
    this.#parts.table.relabel(layout.vectors)
  }

  /**
   * Flushes until everything applied before the call is in the table. Rejects with the error of the disk or the table.
   */
  async flush(): Promise<void> {
    const { shard, manifest } = this.#parts
    const target = shard.stats().seq
    while (manifest.current.flushedSeq < target) {
      const { name } = manifest.current
      await this.#inTurn(() => workTimes.time('flush', { collection: name }, () => this.#flushOnce(target)))
    }
  }

  /** Compacts the table if that pays, removes versions that nothing names, and frees Lance's caches. */
  async housekeep(graceMs?: number): Promise<void> {
    const { table, manifest } = this.#parts
    await this.#inTurn(async () => {
      const { checkpointSeq } = manifest.current
      if (this.#layout && hasDropped(this.#layout)) await this.#removeDropped(this.#layout)
      if (await table.needsMaintenance(checkpointSeq)) {
        const facts = { collection: manifest.current.name, of: 'table' }
        const tableVersion = await workTimes.time('compaction', facts, () => table.compact({ checkpointSeq }))
        await manifest.update({ ...this.#layoutIfAny(), tableVersion })
      }
      await table.removeOldVersions(manifest.current.tableVersion, graceMs)
      await table.close()
    })
  }

  /** Call it in a turn: makes sure that the table can take one more column. */
  async makeRoom(): Promise<void> {
    if (this.#layout && this.#layout.vectors.length >= LIMITS.tableVectors) await this.#removeDropped(this.#layout)
  }

  /** Runs work while no file of table or log is removed. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    return await this.#inTurn(work)
  }

  /**
   * Waits for the turn under way; waiting and later turns are refused. Otherwise Lance would free a table under its own
   * calls, and would create the folder of a removed collection again.
   */
  async close(): Promise<void> {
    this.#closed = true
    await this.#mutex.idle()
  }

  async #flushOnce(target: number): Promise<void> {
    const { shard, log, table, manifest, sources, home } = this.#parts
    if (manifest.current.flushedSeq >= target) return
    // Operations that leave no row, such as deleting an absent point, are covered once all rows are flushed.
    let flushedSeq = shard.stats().seq
    const batch = await shard.takeFlush(flushBytes(home))
    try {
      // Unwaited rows are visible before their records are on stable storage. The table must not get ahead of the log. A
      // row taken may have changed again since `throughSeq`.
      await log.durable(shard.stats().seq)
      let { tableVersion } = manifest.current
      if (batch) {
        tableVersion = await table.commit(batch)
        await table.syncNewFiles()
        flushedSeq = batch.throughSeq
      }
      const positions = sources.asOf(flushedSeq)
      await manifest.update({ ...this.#layoutIfAny(), ...positions, tableVersion, flushedSeq, cleanEnd: null })
    } catch (error) {
      if (batch) shard.restoreFlush()
      throw error
    }
    if (batch) shard.completeFlush()
    await log.trim(flushedSeq)
  }

  /**
   * Rewrites the table without dropped columns. Each row is checked in its old form and gets the checksum of its new
   * one.
   */
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
