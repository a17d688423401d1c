import type { StoreAddress } from '../../bucket/address.js'
import { GroupReader } from '../../bucket/group-reader.js'
import { claimPrefix } from '../../bucket/marker.js'
import { Objects } from '../../bucket/objects.js'
import type { GroupOwner } from '../../bucket/owner.js'
import type { Position } from '../../bucket/watermark.js'
import { notFound, type VicinalError } from '../../core/errors.js'
import { Disk } from '../../disk/disk.js'
import { type Aliases, readAliases, readQuotas } from '../../storage/folder-files.js'
import { collectionPaths } from '../../storage/layout.js'
import { type CollectionHome, FolderHome, type StoredCollection } from '../collection/collection-home.js'
import type { CacheFolder } from './cache-folder.js'
import { FolderCatalogue } from './folder-catalogue.js'
import { listStored, type OpenedStore, storedAliases, storedQuotas } from './opened-store.js'
import { StoreHome } from './store-home.js'

/** What a reader follows: a folder that another process writes, or a store that another node owns. */
export interface ReadSource {
  list(): Promise<{ present: StoredCollection[]; unread: { folder: string; error: VicinalError }[] }>
  aliases(): Promise<Aliases>
  quotas(): Promise<unknown>
  home(uuid: string): CollectionHome
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
  onPushed = () => {}

  private constructor(
    private readonly store: OpenedStore & { database: GroupReader },
    private readonly cache: CacheFolder,
  ) {}

  /** The cache folder is released with the source, also if this fails. */
  static async open(address: StoreAddress, cache: CacheFolder): Promise<StoreSource> {
    try {
      const objects = await Objects.open(address)
      await claimPrefix(objects, address, { mayCreate: false })
      let source: StoreSource | null = null
      const database = await GroupReader.open(address, () => source?.onPushed())
      source = new StoreSource({ address, objects, owned: null, database, cache: cache.disk }, cache)
      return source
    } catch (error) {
      cache.release()
      throw error
    }
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
    return await this.store.cache.usedPercent()
  }

  async position(isAwaited = false): Promise<Position> {
    return await this.store.database.position(isAwaited)
  }

  touches(uuid: string, since: Position): boolean {
    return this.store.database.touches(uuid, since)
  }

  /** What the owner pushes. */
  get pushed(): Pick<GroupReader, 'take' | 'cut'> {
    return this.store.database
  }

  /** The node that opened the store's database last. */
  async owner(): Promise<GroupOwner | null> {
    return await this.store.database.owner()
  }

  async close(): Promise<void> {
    await this.store.database.close()
    this.cache.release()
  }
}
