import type { StoreAddress } from '../../bucket/address.js'
import { Group, type GroupOptions } from '../../bucket/group.js'
import { ALIASES, collectionKey, manifestKey, QUOTAS, recordsOf } from '../../bucket/keys.js'
import { claimPrefix } from '../../bucket/marker.js'
import { Objects } from '../../bucket/objects.js'
import { probe } from '../../bucket/probe.js'
import { type Clock, systemClock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import type { QuotaConfig } from '../../core/quotas.js'
import { Disk } from '../../disk/disk.js'
import { FileLock } from '../../native/lock.js'
import type { Aliases } from '../../storage/folder-files.js'
import { collectionPaths, LOCK_FILE } from '../../storage/layout.js'
import { encodeManifest, type Manifest } from '../../storage/manifest.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import type { StoredCollection } from '../collection/collection-home.js'
import { recoverCollection } from '../collection/recovery.js'
import { mapRoom } from '../memory/map-room.js'
import type { CollectionRegistry, CollectionStore } from './collection-store.js'
import { asVicinalError } from './folder-catalogue.js'
import { asValue, listStored, type OpenedStore, storedAliases, storedQuotas } from './opened-store.js'
import { StoreHome, segmentFolder, tableFolder } from './store-home.js'

/** Values of a removed collection's log that leave in one batch. */
const REMOVED_AT_ONCE = 1_000

export interface StoreOptions extends GroupOptions {
  clock?: Clock
}

/** The store of the node that owns it. The folder is a cache: whatever is in it can be fetched or made again. */
export class OwnerStore implements CollectionStore {
  readonly readOnly = false
  readonly reopens = true
  readonly snapshots = null
  readonly #store: OpenedStore & { group: Group }
  readonly #lock: FileLock
  readonly #clock: Clock
  /** Names of collections by uuid, for their removal. */
  readonly #names = new Map<string, string>()

  private constructor(store: OpenedStore & { group: Group }, lock: FileLock, clock: Clock) {
    this.#store = store
    this.#lock = lock
    this.#clock = clock
  }

  /**
   * Opens the store at an address, and fences the node that owned it. Rejects with INVALID_ARGUMENT for a prefix of others,
   * with UNAVAILABLE if the store does not do what it must, and with LOCKED if another process has
   * the cache folder.
   */
  static async open(address: StoreAddress, cacheFolder: string, options: StoreOptions = {}): Promise<OwnerStore> {
    const cache = new Disk(cacheFolder)
    await cache.makeRoot()
    const lock = FileLock.acquire(cache.absolute(LOCK_FILE))
    if (!lock) throw new VicinalError('LOCKED', `cache: another process uses the folder ${cacheFolder}`)
    try {
      const objects = await Objects.open(address)
      await claimPrefix(objects, address, { mayCreate: true })
      await probe(objects, address)
      const group = await Group.open(address, options)
      const store = { address, objects, group, database: group, cache }
      return new OwnerStore(store, lock, options.clock ?? systemClock)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  async list(registry: CollectionRegistry): Promise<void> {
    for (const collection of await listStored(this.#store)) {
      this.#names.set(collection.uuid, collection.name)
      registry.add(collection)
    }
    await storedAliases(this.#store).then(registry.setAliases, (cause: unknown) =>
      registry.addDamagedAliases(asVicinalError(cause)),
    )
  }

  async open({ uuid }: StoredCollection): Promise<CollectionEngine> {
    const home = new StoreHome(this.#store, uuid)
    return new CollectionEngine(
      await recoverCollection(home, this.#clock, (manifest) => mapRoom.admitCollection(manifest)),
    )
  }

  async create(manifest: Manifest): Promise<null> {
    const { name, uuid } = manifest
    await this.#store.group.write({
      puts: [
        [collectionKey(name), asValue({ uuid })],
        [manifestKey(uuid), encodeManifest(`manifest of collection ${uuid}`, manifest)],
      ],
    })
    this.#names.set(uuid, name)
    return null
  }

  async saveAliases(aliases: Aliases): Promise<void> {
    await this.#store.group.write({ puts: [[ALIASES, asValue([...aliases])]] })
  }

  async loadQuotas(): Promise<unknown> {
    return await storedQuotas(this.#store)
  }

  async saveQuotas(config: QuotaConfig): Promise<void> {
    await this.#store.group.write({ puts: [[QUOTAS, asValue(config)]] })
  }

  async diskPercent(): Promise<number> {
    return await this.#store.cache.usedPercent()
  }

  /** The collection is gone with the first batch. Its log, table and segments are removed afterwards. */
  async remove({ uuid }: { uuid: string }): Promise<void> {
    const { group, objects, cache } = this.#store
    const name = this.#names.get(uuid)
    await group.write({ puts: [], deletes: [manifestKey(uuid), ...(name === undefined ? [] : [collectionKey(name)])] })
    this.#names.delete(uuid)
    let keys: Uint8Array[] = []
    for await (const [key] of group.scan(recordsOf(uuid))) {
      keys.push(key)
      if (keys.length < REMOVED_AT_ONCE) continue
      await group.write({ puts: [], deletes: keys })
      keys = []
    }
    if (keys.length > 0) await group.write({ puts: [], deletes: keys })
    for (const folder of [tableFolder(uuid), segmentFolder(uuid)])
      for (const { path } of await objects.list(`${folder}/`)) await objects.remove(path)
    await cache.removeTree(collectionPaths(uuid).folder)
  }

  async stop(): Promise<void> {}

  async close(): Promise<void> {
    await this.#store.group.close()
    this.#lock.release()
  }
}
