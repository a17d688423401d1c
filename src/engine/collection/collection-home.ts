import type { CollectionCounts } from '../../core/schema.js'
import type { Disk } from '../../disk/disk.js'
import { FileLog } from '../../log/file-log.js'
import type { Log } from '../../log/log.js'
import { type Followed, LogFollower } from '../../log/log-follower.js'
import { LanceTable } from '../../storage/lance-table.js'
import type { CollectionPaths } from '../../storage/layout.js'
import { type Manifest, readManifest, type SegmentEntry, writeManifest } from '../../storage/manifest.js'
import { layoutOf } from '../../storage/table-layout.js'
import type { ManifestPlace } from '../catalogue/manifest-file.js'
import { type FlushBounds, FOLDER_BOUNDS } from './flush-bounds.js'

/** Reads a log that another process writes. */
export interface Follower {
  /** The number of the last returned record. */
  readonly seq: number
  /** Returns the records since the last call, or none. */
  poll(): Promise<Followed>
  close(): Promise<void>
}

/**
 * Where one collection is kept: a folder has all of it, or a store has it and a folder is its cache. Segments are written
 * into the folder and mapped from there, whatever keeps them.
 */
export interface CollectionHome {
  readonly disk: Disk
  readonly paths: CollectionPaths
  /** Whether the folder is this process's own, even if another one writes the collection. */
  readonly isOwnFolder: boolean
  readonly flushBounds: FlushBounds
  readManifest(): Promise<Manifest>
  /** Opens the log for writing. */
  openLog(manifest: Manifest): Promise<Log>
  /** Where changes of the manifest go; `log` is the open one, and `manifest` the present one. */
  manifestPlace(log: Log, manifest: Manifest): ManifestPlace
  openTable(manifest: Manifest, options: { readOnly: boolean }): Promise<LanceTable>
  follow(manifest: Manifest): Follower
  /**
   * Brings the files of the manifest's segments into the folder, where they stay until `release`. Resolves to a warning, or
   * null. Rejects with CORRUPT, and `segment`, if a file is nowhere.
   */
  fetchSegments(manifest: Manifest): Promise<string | null>
  /** Replaces a segment's damaged files by others. False if there are no others. */
  refetchSegment(segment: SegmentEntry): Promise<boolean>
  /** Whether the segment's files were verified, and have not changed since. */
  isVerified(segment: SegmentEntry): Promise<boolean>
  noteVerified(segment: SegmentEntry): Promise<void>
  /** Call it before files of segments are written. */
  prepare(): Promise<void>
  /** Keeps the folder's files of these segments. */
  keepSegments(segments: readonly Pick<SegmentEntry, 'file' | 'overlay'>[]): Promise<void>
  /** The collection is closed, or could not be opened. */
  release(): void
}

/** A collection whose folder has everything. */
export class FolderHome implements CollectionHome {
  readonly isOwnFolder = false
  readonly flushBounds = FOLDER_BOUNDS

  constructor(
    readonly disk: Disk,
    readonly paths: CollectionPaths,
  ) {}

  async readManifest(): Promise<Manifest> {
    return await readManifest(this.disk, this.paths.manifest)
  }

  async openLog({ uuid, cleanEnd, flushedSeq }: Manifest): Promise<Log> {
    return await FileLog.open({ disk: this.disk, folder: this.paths.log, uuid, cleanEnd, flushedSeq })
  }

  manifestPlace(): ManifestPlace {
    return { write: (manifest) => writeManifest(this.disk, this.paths.manifest, manifest) }
  }

  async openTable(manifest: Manifest, options: { readOnly: boolean }): Promise<LanceTable> {
    const { vectors } = layoutOf(manifest)
    const spec = { disk: this.disk, folder: this.paths.folder, collection: manifest.name, vectors }
    return await LanceTable.open(spec, manifest.tableVersion, options)
  }

  follow({ uuid, flushedSeq }: Manifest): Follower {
    return new LogFollower({ disk: this.disk, folder: this.paths.log, uuid }, flushedSeq)
  }

  async fetchSegments(): Promise<null> {
    return null
  }

  async refetchSegment(): Promise<boolean> {
    return false
  }

  /** The only copy is verified at each opening. */
  async isVerified(): Promise<boolean> {
    return false
  }

  async noteVerified(): Promise<void> {}

  async prepare(): Promise<void> {}

  release(): void {}

  async keepSegments(): Promise<void> {
    await this.disk.syncFolder(this.paths.segments)
  }
}

/** The identity of a collection. Another one of its name has another uuid. */
export interface StoredCollection {
  readonly name: string
  readonly uuid: string
  /** How much it held when it was last closed, if it was closed properly. */
  readonly counts?: CollectionCounts | null
}
