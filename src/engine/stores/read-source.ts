import type { StoreAddress } from '../../bucket/address.js'
import type { GroupOptions } from '../../bucket/group.js'
import { GroupReader } from '../../bucket/group-reader.js'
import { mustBeClaimed } from '../../bucket/marker.js'
import { Objects } from '../../bucket/objects.js'
import type { GroupOwner } from '../../bucket/owner.js'
import type { Position } from '../../bucket/watermark.js'
import type { Clock } from '../../core/clock.js'
import { notFound, type VicinalError } from '../../core/errors.js'
import { Disk } from '../../disk/disk.js'
import { type Aliases, readAliases, readQuotas } from '../../storage/folder-files.js'
import { collectionPaths } from '../../storage/layout.js'
import { type CollectionHome, FolderHome, type StoredCollection } from '../collection/collection-home.js'
import { memoryTables } from '../memory/memory-table.js'
import { folderPlace, type SnapshotPlace } from '../snapshots/snapshot-store.js'
import type { CacheFolder } from './cache-folder.js'
import { FolderCatalogue } from './folder-catalogue.js'
import { listStored, type OpenedStore, storedAliases, storedQuotas } from './opened-store.js'
import { StoreHome } from './store-home.js'
import { StorePlace } from './store-place.js'

/** The source of a reader: a folder that another process writes, or a store that another node owns. */
export interface ReadSource {
  /** A note about the source for the operator, or null. */
  readonly notice: string | null
  list(): Promise<{ present: StoredCollection[]; unread: { folder: string; error: VicinalError }[] }>
  aliases(): Promise<Aliases>
  quotas(): Promise<unknown>
  /** The folder of this process: of the data, or of the cache. */
  readonly disk: Disk
  home(uuid: string): CollectionHome
  snapshotPlace(clock: Clock): SnapshotPlace
  diskPercent(): Promise<number>
  /** The last batch that can be read; null where there are none. `isAwaited`: callers wait for the next one. */
  position(isAwaited?: boolean): Promise<Position | null>
  /** Whether a batch after `since` may have changed the collection. */
  touches(uuid: string, since: Position): boolean
  /** Called when there is more to read, where the source tells. */
  onPushed: () => void
  close(): Promise<void>
}

export class FolderSource implements ReadSource {
  readonly notice = null
  onPushed = () => {}
  readonly #catalogue: FolderCatalogue

  constructor(readonly disk: Disk) {
    this.#catalogue = new FolderCatalogue(disk)
  }

  /** Rejects with NOT_FOUND if the folder does not exist: a reader creates none. */
  static async open(root: string): Promise<FolderSource> {
    const disk = new Disk(root)
    if (!(await disk.exists('.'))) throw notFound('data folder', root)
    return new FolderSource(disk)
  }

  async list(): ReturnType<ReadSource['list']> {
    const { present, unread } = await this.#catalogue.list()
    const there: { folder: string; error: VicinalError }[] = []
    // A collection that is being removed right now is not damaged.
    for (const { paths, error } of unread)
      if (await this.disk.exists(paths.folder)) there.push({ folder: paths.folder, error })
    return { present, unread: there }
  }

  snapshotPlace(clock: Clock): SnapshotPlace {
    return folderPlace(this.disk, clock)
  }

  async aliases(): Promise<Aliases> {
    return await readAliases(this.disk)
  }

  async quotas(): Promise<unknown> {
    return await readQuotas(this.disk)
  }

  home(uuid: string): CollectionHome {
    return new FolderHome(this.disk, collectionPaths(uuid))
  }

  async diskPercent(): Promise<number> {
    return await this.disk.usedPercent()
  }

  async position(): Promise<null> {
    return null
  }

  touches(): boolean {
    return true
  }

  async close(): Promise<void> {}
}

export class StoreSource implements ReadSource {
  readonly #uncount: () => void
  onPushed = () => {}

  private constructor(
    private readonly store: OpenedStore & { database: GroupReader },
    private readonly cache: CacheFolder,
  ) {
    const uncount = [
      memoryTables.addStore(() => store.database.heldBytes),
      memoryTables.addPushed(() => store.database.pushedBytes),
    ]
    this.#uncount = () => {
      for (const each of uncount) each()
    }
  }

  /** The cache folder is released with the source, also if this fails. */
  static async open(
    address: StoreAddress,
    cache: CacheFolder,
    { memoryBytes }: Pick<GroupOptions, 'memoryBytes'> = {},
  ): Promise<StoreSource> {
    try {
      const objects = await Objects.open(address)
      await mustBeClaimed(objects, address)
      let source: StoreSource | null = null
      const database = await GroupReader.open(address, () => source?.onPushed(), memoryBytes)
      source = new StoreSource({ address, objects, owned: null, database, cache: cache.segments }, cache)
      return source
    } catch (error) {
      await cache.release()
      throw error
    }
  }

  get disk(): Disk {
    return this.store.cache.disk
  }

  snapshotPlace(): SnapshotPlace {
    return new StorePlace(this.store)
  }

  get notice(): string | null {
    return this.store.cache.foreignFiles
  }

  async list(): ReturnType<ReadSource['list']> {
    return { present: await listStored(this.store), unread: [] }
  }

  async aliases(): Promise<Aliases> {
    return await storedAliases(this.store)
  }

  async quotas(): Promise<unknown> {
    return await storedQuotas(this.store)
  }

  home(uuid: string): CollectionHome {
    return new StoreHome(this.store, uuid)
  }

  async diskPercent(): Promise<number> {
    return await this.store.cache.disk.usedPercent()
  }

  async position(isAwaited = false): Promise<Position> {
    return await this.store.database.position(isAwaited)
  }

  touches(uuid: string, since: Position): boolean {
    return this.store.database.touches(uuid, since)
  }

  /** Takes the batches that the owner pushes. */
  get pushed(): Pick<GroupReader, 'take' | 'cut'> {
    return this.store.database
  }

  /** The node that opened the store's database last. */
  async owner(): Promise<GroupOwner | null> {
    return await this.store.database.owner()
  }

  async close(): Promise<void> {
    this.#uncount()
    await this.store.database.close()
    await this.cache.release()
  }
}
