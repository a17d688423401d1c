import type { VicinalError } from '../core/errors.js'
import type { ResolvedVector } from '../core/schema.js'
import type { Disk } from '../disk/disk.js'
import type { FlushBatch } from '../native/addon.js'

export interface TableSpec {
  disk: Disk
  /** Folder of the collection, relative to the disk; the table is `table.lance` in it. */
  folder: string
  /** For messages. */
  collection: string
  /** In the kernel's order. */
  vectors: readonly ResolvedVector[]
}

export interface CommitOptions {
  /** None of the batch's ids is in the table, live or deleted: rows are added without a look-up. */
  fresh?: boolean
}

export interface MaintainOptions {
  /** Deletes up to this operation are in the segments; their rows are purged. */
  checkpointSeq: number
  /** The version the manifest names: it is kept. */
  keepVersion: number
}

/** The Lance table of one collection. One owner at a time; calls take turns. */
export declare class LanceTable {
  static create(spec: TableSpec): Promise<LanceTable>
  /** Opens the table at this version, after removing newer ones (unless `readOnly`). */
  static open(spec: TableSpec, version: number, options?: { readOnly?: boolean }): Promise<LanceTable>
  readonly version: number
  /** One guarded commit; older rows than the table's change nothing. Resolves to the new version, not yet synced. */
  commit(batch: FlushBatch, options?: CommitOptions): Promise<number>
  /** Puts every file made since the last call on stable storage. */
  syncNewFiles(): Promise<void>
  /** Rows (deleted ones too) with a sequence number above `afterSeq`, some megabytes at a time. */
  scan(afterSeq: number): AsyncIterable<FlushBatch>
  /** Points, deleted ones left out. */
  countRows(): Promise<number>
  /** Bytes of the table's folder. */
  bytes(): Promise<number>
  /** True when `maintain` would make the table smaller or faster. */
  needsMaintenance(): Promise<boolean>
  /** Compacts and purges; resolves to the new version, synced, to be named by the manifest. */
  compact(options: MaintainOptions): Promise<number>
  /** Removes versions older than the one the manifest names, with the files only they use. */
  removeOldVersions(keepVersion: number): Promise<void>
  close(): Promise<void>
  readonly failure: VicinalError | null
}
