import { VicinalError } from '../core/errors.js'
import type { TableVector } from '../core/schema.js'
import type { Disk } from '../disk/disk.js'
import type { FlushBatch } from '../native/addon.js'
import { arrowThread, type EncodedRows } from './arrow-thread.js'
import { READER_GRACE_MS } from './janitor.js'
import { lanceError } from './lance-errors.js'
import { bufferOver, type Lance, type LanceBatches, type LanceConnection } from './lance-native.js'
import { addTo, checkContents, commitAlone, contentsOf, isCrossed, noContents, restoreAlone } from './late-commits.js'
import { folderTable, TABLE, type TableHome } from './table-home.js'
import { deletedUpTo, purgeable, rowsOfBatch, sizesOf } from './table-sizes.js'

/** Compaction rewrites every small fragment. It waits for this many, and for the table to have grown by half. */
const FRAGMENTS = 16
const FRAGMENTS_MOST = 128
const GROWTH = 1.5
/** Bytes of dead rows, as a share of the live ones, that make a compaction worth it. */
const DEAD_SHARE = 0.4
const DEAD_LEAST_BYTES = 64 * 1024
/** A change that another owner's late commit came between is made again so often. */
const ATTEMPTS = 3
/** Purging rewrites fragments too, so it waits until this share of the rows is deleted. */
const DELETED_SHARE = 0.05

export interface TableContents {
  /** Name of the collection, for messages. */
  collection: string
  /** In the kernel's order. Vectors dropped since the last rewrite keep their places. */
  vectors: readonly TableVector[]
}

export interface TableSpec extends TableContents {
  disk: Disk
  /** Folder of the collection, relative to the disk; the table is `table.lance` in it. */
  folder: string
}

/** Converts a batch of rows while the table is rewritten. */
export type ConvertRows = (batch: FlushBatch) => Promise<FlushBatch>

/**
 * The Lance table of one collection: the durable truth, one row for each id, deletions as flagged rows.
 *
 * It has one owner at a time, and calls must not overlap. `syncNewFiles` makes a version durable. Until then, and after
 * any failure in between, the table falls back to the version before. Lance is loaded when a row is first written or
 * read. If all rows are in segments, opening a table only looks at its files.
 */
export class LanceTable {
  #lance: Lance | null = null
  /** Whether this process has changed the table; before that maintenance has nothing to do. */
  #isChanged = false
  /** The table's version in Lance, and the version on stable storage. */
  #version: number
  #syncedVersion: number
  #maxSeq: number
  /** The table's newest version where that is not the named one; else null. */
  #newest: number | null = null
  readonly #collection: string
  #vectors: readonly TableVector[]
  /** The version that a compaction made. While the table is at it, maintenance has nothing to do. */
  #compactedVersion = 0
  #compactedBytes = 0
  #prunedVersion = 0
  #holders = 0

  private constructor(
    private readonly home: TableHome,
    { collection, vectors }: TableContents,
    version: number,
    private readonly readOnly: boolean,
  ) {
    this.#collection = collection
    this.#version = version
    this.#syncedVersion = version
    this.#maxSeq = home.files.maxSeq
    this.#vectors = vectors
  }

  /** Opens the table as of a version; 0 if there is none yet. Unless `readOnly`, newer versions are removed. */
  static async open(spec: TableSpec, version: number, options: { readOnly?: boolean } = {}): Promise<LanceTable> {
    return await LanceTable.at(
      await folderTable(spec.disk, spec.folder, spec.collection, version),
      spec,
      version,
      options,
    )
  }

  static async at(
    home: TableHome,
    contents: TableContents,
    version: number,
    options: { readOnly?: boolean } = {},
  ): Promise<LanceTable> {
    if (!options.readOnly) await home.files.removeUnsynced(version)
    return new LanceTable(home, contents, version, options.readOnly === true)
  }

  get version(): number {
    return this.#version
  }

  /** The table and its collection, for messages. */
  describe(): string {
    return `collection ${JSON.stringify(this.#collection)}: ${this.home.path}`
  }

  /**
   * Commits a batch. A row changes nothing unless it is newer than the table's row of its id. Resolves to the new
   * version, not yet on stable storage.
   */
  async commit(batch: FlushBatch): Promise<number> {
    if (batch.count === 0) return this.#version
    const { rows, maxSeq } = await this.#encoded(batch)
    const change = (lance: Lance) =>
      lance
        .mergeInsert(['id'])
        .whenMatchedUpdateAll('source.seq > target.seq')
        .whenNotMatchedInsertAll()
        // With an index a lookup can miss rows, so rows would be duplicated.
        .useIndex(false)
        .execute(bufferOver(rows))
    return await this.#change('commit to', async (lance) => {
      await commitAlone(lance, this.describe(), change)
      this.#maxSeq = Math.max(this.#maxSeq, maxSeq)
    })
  }

  /** Puts the version on stable storage, with the checksums of its files. */
  async syncNewFiles(): Promise<void> {
    if (this.#version === this.#syncedVersion) return
    await this.home.files.sync(this.#version, this.#maxSeq)
    this.#syncedVersion = this.#version
  }

  /**
   * Reads rows, deleted ones included, with a sequence number above `afterSeq`, some megabytes at a time. The next
   * batch is read while the caller works on one.
   */
  async *scan(afterSeq: number): AsyncGenerator<FlushBatch> {
    if (this.#version === 0 || this.home.files.maxSeq <= afterSeq) return
    try {
      yield* this.#rows(await this.#open(), `seq > ${afterSeq}`)
    } catch (cause) {
      throw this.#error(cause, 'read')
    }
  }

  async *#rows(lance: Lance, predicate: string | null): AsyncGenerator<FlushBatch> {
    const query = lance.query()
    if (predicate !== null) query.onlyIf(predicate)
    const batches = await query.execute(await rowsOfBatch(lance))
    let next = this.#read(batches)
    for (let rows = await next; rows !== null; rows = await next) {
      next = this.#read(batches)
      // The error is handled when the batch is awaited. If the caller stops before, it is ignored.
      next.catch(() => undefined)
      if (rows.count > 0) yield rows
    }
  }

  /** Replaces the vectors' descriptions: the columns stay, but other vectors count as dropped. */
  relabel(vectors: readonly TableVector[]): void {
    this.#vectors = vectors
  }

  /**
   * Adds the columns of `added`, empty in every row; `vectors` are all vectors afterwards. Resolves to the new version,
   * on stable storage. No data file is written.
   */
  async addColumns(added: readonly TableVector[], vectors: readonly TableVector[]): Promise<number> {
    if (this.#version > 0) {
      const columns = bufferOver(await arrowThread.columns(added))
      await this.#change('add columns to', async (lance) => {
        await commitAlone(lance, this.describe(), () => lance.addColumnsWithSchema(columns))
      })
      await this.syncNewFiles()
    }
    this.#vectors = vectors
    return this.#version
  }

  /** Rewrites all rows with the columns of `vectors`. Resolves to the new version, on stable storage. */
  async rewrite(vectors: readonly TableVector[], convert: ConvertRows): Promise<number> {
    if (this.#version > 0) {
      await this.#change('rewrite', async (lance) => {
        const before = await this.#openAt(this.#version)
        const after = await this.#emptied(vectors)
        this.#lance = after
        lance.close()
        const written = noContents()
        try {
          for await (const batch of this.#rows(before, null)) {
            const converted = await convert(batch)
            addTo(written, converted.crcs)
            const { rows } = await arrowThread.encode(converted, vectors)
            await after.add(bufferOver(rows), 'append')
          }
        } finally {
          before.close()
        }
        if (this.home.restores) await checkContents(after, this.describe(), written)
      })
      await this.syncNewFiles()
    }
    this.#vectors = vectors
    return this.#version
  }

  async #openAt(version: number): Promise<Lance> {
    const table = await (await this.home.connect()).openTable(TABLE, [])
    await table.checkout(version)
    return table
  }

  /** Makes a version without rows and with other columns. */
  async #emptied(vectors: readonly TableVector[]): Promise<Lance> {
    const schema = bufferOver(await arrowThread.schema(vectors))
    return await (await this.home.connect()).createEmptyTable(TABLE, schema, 'overwrite', [])
  }

  /** Points that are not deleted. */
  async countRows(): Promise<number> {
    if (this.#version === 0) return 0
    try {
      return await (await this.#open()).countRows('deleted = false')
    } catch (cause) {
      throw this.#error(cause, 'read')
    }
  }

  /** Bytes of the table's files, old versions and dead rows included. */
  async bytes(): Promise<number> {
    return await this.home.files.bytes()
  }

  /**
   * True if `compact` would make the table smaller or faster. Deletions up to `purgeSeq` may be purged, since no
   * segment holds their points any more. Before this process's first commit it is false.
   */
  async needsMaintenance(purgeSeq = 0): Promise<boolean> {
    if (!this.#isChanged || this.#version === this.#compactedVersion) return false
    try {
      const lance = await this.#open()
      const { fragments, rows, fileBytes, liveBytes } = await sizesOf(lance)
      if (fileBytes - liveBytes > Math.max(DEAD_LEAST_BYTES, liveBytes * DEAD_SHARE)) return true
      if (fragments > FRAGMENTS_MOST || (fragments > FRAGMENTS && fileBytes > this.#compactedBytes * GROWTH))
        return true
      return (await purgeable(lance, purgeSeq)) > rows * DELETED_SHARE
    } catch (cause) {
      throw this.#error(cause, 'look into')
    }
  }

  /**
   * Purges deletions and merges fragments. Resolves to the new version, on stable storage, for the manifest to name.
   * `removeOldVersions` removes the older ones.
   */
  async compact({ checkpointSeq }: { checkpointSeq: number }): Promise<number> {
    if (this.#version === 0) return 0
    await this.#change('compact', async (lance) => {
      if ((await purgeable(lance, checkpointSeq)) > 0)
        await commitAlone(lance, this.describe(), () => lance.delete(deletedUpTo(checkpointSeq)))
      const contents = this.home.restores ? await contentsOf(lance) : null
      // Without an age Lance removes versions that are a week old, and the manifest may still name one.
      await lance.optimize(Date.now())
      if (contents) await checkContents(lance, this.describe(), contents)
      this.#compactedBytes = (await sizesOf(lance)).fileBytes
    })
    await this.syncNewFiles()
    this.#compactedVersion = this.#version
    return this.#version
  }

  /** Removes versions before the manifest's that were replaced before the grace period, and files of theirs alone. */
  async removeOldVersions(keepVersion: number, graceMs = READER_GRACE_MS): Promise<void> {
    if (this.#holders > 0 || keepVersion === 0 || keepVersion !== this.#syncedVersion || keepVersion !== this.#version)
      return
    if (this.home.versionsKeptMs !== null) return await this.#prune(keepVersion, this.home.versionsKeptMs)
    await this.home.files.removeOld(keepVersion, graceMs, async () => (await (await this.#open()).countRows()) === 0)
  }

  /** Removes versions before one that a compaction made, if it still is the table's. */
  async pruneCompacted(version: number): Promise<void> {
    if (version === this.#version) [this.#compactedVersion, this.#prunedVersion] = [version, 0]
    await this.removeOldVersions(version)
  }

  /**
   * Right after a compaction another one changes nothing, and removes old versions. Lance keeps the handle's version and
   * newer ones, so that it must be the manifest's.
   */
  async #prune(keepVersion: number, keptMs: number): Promise<void> {
    if (keepVersion !== this.#compactedVersion || keepVersion === this.#prunedVersion) return
    const lance = await this.#open()
    if (this.#newest !== null) return
    await lance.optimize(keptMs)
    this.#prunedVersion = keepVersion
    if ((await lance.version()) !== keepVersion) await this.close()
  }

  /** Keeps old versions until the returned function is called. */
  holdVersions(): () => void {
    this.#holders++
    return () => void this.#holders--
  }

  /**
   * Frees Lance's caches of the table, which grow with every version since the opening. The next call opens it again.
   */
  async close(): Promise<void> {
    this.#lance?.close()
    this.#lance = null
    this.#newest = null
  }

  /** Runs a change of the table. A failed change leaves the last synced version and no new files. */
  async #change(action: string, work: (lance: Lance) => Promise<void>): Promise<number> {
    // A version whose sync failed may be damaged on the disk, so no change builds on it.
    if (this.#version !== this.#syncedVersion) await this.#fallBack()
    for (let attempt = 1; ; attempt++) {
      try {
        const lance = await this.#openToChange()
        await work(lance)
        this.#isChanged = true
        this.#version = await (this.#lance ?? lance).version()
        return this.#version
      } catch (cause) {
        await this.#fallBack().catch(() => undefined)
        if (!this.home.restores || attempt === ATTEMPTS || !isCrossed(cause)) throw this.#error(cause, action)
      }
    }
  }

  async #fallBack(): Promise<void> {
    await this.close()
    this.#version = this.#syncedVersion
    this.#maxSeq = this.home.files.maxSeq
    await this.home.files.removeUnsynced(this.#syncedVersion)
  }

  async #open(): Promise<Lance> {
    if (this.#lance) return this.#lance
    await this.home.files.verify()
    const connection = await this.home.connect()
    const opened = await (this.#version === 0 ? this.#created(connection) : connection.openTable(TABLE, []))
    if (this.readOnly) await opened.checkout(this.#version)
    const version = await opened.version()
    if (this.#version !== 0 && version !== this.#version) {
      if (!this.home.restores)
        throw new VicinalError('CORRUPT', `${this.describe()}: expected version ${this.#version}, got ${version}`)
      await opened.checkout(this.#version)
      this.#newest = version
    }
    this.#lance = opened
    return opened
  }

  /** Makes the named version the newest one if it is not. Reading alone must not: another owner may be writing. */
  async #openToChange(): Promise<Lance> {
    const lance = await this.#open()
    if (this.#newest !== null) await restoreAlone(lance, this.describe(), this.#newest)
    this.#newest = null
    return lance
  }

  async #created(connection: LanceConnection): Promise<Lance> {
    const schema = bufferOver(await arrowThread.schema(this.#vectors))
    try {
      return await connection.createEmptyTable(TABLE, schema, 'create', [])
    } catch (cause) {
      // An earlier owner may have made a table that no manifest names.
      if (!this.home.restores) throw cause
      return await connection.createEmptyTable(TABLE, schema, 'overwrite', [])
    }
  }

  async #encoded(batch: FlushBatch): Promise<EncodedRows> {
    try {
      return await arrowThread.encode(batch, this.#vectors)
    } catch (cause) {
      throw this.#error(cause, 'commit to')
    }
  }

  async #read(batches: LanceBatches): Promise<FlushBatch | null> {
    const file = await batches.next()
    if (file === null) return null
    return await arrowThread.decode(file, this.#vectors).catch((cause: unknown) => {
      // Lance has read the rows, but their columns are not this table's.
      throw this.#error(cause, 'read', 'CORRUPT')
    })
  }

  #error(cause: unknown, action: string, otherwise?: 'CORRUPT'): VicinalError {
    const { path, root } = this.home
    return lanceError(cause, action, { path, root, collection: this.#collection }, otherwise)
  }
}
