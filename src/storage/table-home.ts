import { join } from 'node:path'
import type { Disk } from '../disk/disk.js'
import { LanceFiles } from './lance-files.js'
import { type LanceConnection, lanceNative } from './lance-native.js'

/** Lance appends the suffix to a table's name. */
export const TABLE = 'table'
const SUFFIX = '.lance'
/** Keeps Lance from creating a catalogue of tables of its own. */
const CATALOGUE_OFF = { namespaceClientProperties: { manifest_enabled: 'false' } }
/** Old versions of a table on a store are kept for as long, for readers that have just read the manifest. */
const KEPT_ON_STORE_MS = 3_600_000

/** Work on the files of a table that Lance does not do. */
export interface TableFiles {
  /** The highest sequence number of the table's rows, or higher. */
  readonly maxSeq: number
  /** Rejects with CORRUPT if a file is damaged. */
  verify(): Promise<void>
  /** Makes a version durable. */
  sync(version: number, maxSeq: number): Promise<void>
  removeUnsynced(version: number): Promise<void>
  removeOld(keepVersion: number, graceMs: number, isEmpty: () => Promise<boolean>): Promise<void>
  bytes(): Promise<number>
}

/** Where a collection's table is. */
export interface TableHome {
  readonly files: TableFiles
  /** Place and prefix of places, for messages. */
  readonly path: string
  readonly root: string
  /**
   * Versions newer than the named one cannot be removed, since another owner may have made them: the named one is
   * restored as a newer version instead.
   */
  readonly restores: boolean
  /** Age from which a compaction removes versions; null leaves that to `files.removeOld`. */
  readonly versionsKeptMs: number | null
  /** Each opening gets its own connection: a shared one would remember files that a fall-back has removed. */
  connect(): Promise<LanceConnection>
}

/** A table below a folder of the disk, as of a version. */
export async function folderTable(disk: Disk, folder: string, collection: string, version: number): Promise<TableHome> {
  const path = join(folder, TABLE + SUFFIX)
  return {
    files: await LanceFiles.open(disk, path, collection, version),
    path,
    root: disk.root,
    restores: false,
    versionsKeptMs: null,
    connect: () => lanceNative().Connection.new(disk.absolute(folder), CATALOGUE_OFF),
  }
}

/** A table on an object store. `flushedSeq` is the manifest's; old versions stay for `versionsKeptMs`. */
export function storeTable(
  url: string,
  storageOptions: Readonly<Record<string, string>>,
  folder: string,
  flushedSeq: number,
  versionsKeptMs = KEPT_ON_STORE_MS,
): TableHome {
  return {
    files: new StoreFiles(flushedSeq),
    path: `${folder}/${TABLE}${SUFFIX}`,
    root: url,
    restores: true,
    versionsKeptMs,
    connect: () => lanceNative().Connection.new(`${url}/${folder}`, { ...CATALOGUE_OFF, storageOptions }),
  }
}

/** An object store syncs and checks its objects by itself, and the owner removes old versions with a compaction. */
class StoreFiles implements TableFiles {
  #maxSeq: number

  constructor(flushedSeq: number) {
    this.#maxSeq = flushedSeq
  }

  get maxSeq(): number {
    return this.#maxSeq
  }

  async verify(): Promise<void> {}

  async sync(_version: number, maxSeq: number): Promise<void> {
    this.#maxSeq = maxSeq
  }

  async removeUnsynced(): Promise<void> {}

  async removeOld(): Promise<void> {}

  async bytes(): Promise<number> {
    return 0
  }
}
