import type { StoreAddress } from '../../bucket/address.js'
import { Group, type GroupOptions } from '../../bucket/group.js'
import { ALIASES, collectionKey, manifestKey, QUOTAS } from '../../bucket/keys.js'
import { Objects } from '../../bucket/objects.js'
import { DEFAULT_REMOVAL_MS, Removals } from '../../bucket/removals.js'
import type { Position } from '../../bucket/watermark.js'
import { background } from '../../core/background.js'
import { type Clock, systemClock } from '../../core/clock.js'
import type { QuotaConfig } from '../../core/quotas.js'
import type { Aliases } from '../../storage/folder-files.js'
import { collectionPaths } from '../../storage/layout.js'
import { encodeManifest, type Manifest } from '../../storage/manifest.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import type { StoredCollection } from '../collection/collection-home.js'
import { recoverCollection } from '../collection/recovery.js'
import { mapRoom } from '../memory/map-room.js'
import { memoryTables } from '../memory/memory-table.js'
import { DEFAULT_SNAPSHOT_SETTINGS, type SnapshotSettings, SnapshotStore } from '../snapshots/snapshot-store.js'
import type { Adopted } from '../snapshots/staged-collection.js'
import type { CacheFolder } from './cache-folder.js'
import type { CollectionRegistry, CollectionStore } from './collection-store.js'
import { asVicinalError } from './folder-catalogue.js'
import { asValue, listStored, type OpenedStore, type OwnedStore, storedAliases, storedQuotas } from './opened-store.js'
import { DEFAULT_ORPHAN_AGE_MS, removeOrphans, removeRecords, removeStrayRecords } from './orphans.js'
import { StoreHome, segmentFolder, tableFolder } from './store-home.js'
import { StorePlace } from './store-place.js'
import type { StoreProgress } from './watermark-waits.js'

/** Objects are listed so often, to find unnamed ones. */
const LIST_EVERY_MS = 86_400_000

export interface StoreOptions extends GroupOptions {
  clock?: Clock
  /** Objects stay so long after the last name for them is gone. */
  removalMs?: number
  snapshots?: SnapshotSettings
  /** Objects that nothing ever named are removed at this age. They are first listed after `removalMs`. */
  orphanAgeMs?: number
}

type OwnersStore = OpenedStore & { owned: OwnedStore }

/** The store of the node that owns it. The folder is a cache: whatever is in it can be fetched or made again. */
export class OwnerStore implements CollectionStore {
  readonly readOnly = false
  readonly reopens = true
  readonly snapshots: SnapshotStore
  readonly #store: OwnersStore
  readonly #cache: CacheFolder
  readonly #clock: Clock
  readonly #uncount: () => void
  readonly #orphans: { openedMs: number; ageMs: number; nextMs: number }
  readonly #removing = () => this.#remove()
  #hasStrayRecords = true
  /** Engines that are open, by uuid. */
  readonly #engines = new Map<string, CollectionEngine>()
  /** Names of collections by uuid, for their removal. */
  readonly #names = new Map<string, string>()

  private constructor(store: OwnersStore, cache: CacheFolder, options: StoreOptions) {
    const { clock = systemClock, removalMs = DEFAULT_REMOVAL_MS, orphanAgeMs: ageMs = DEFAULT_ORPHAN_AGE_MS } = options
    this.#store = store
    const place = new StorePlace(store, (adopted) => this.#adopted(adopted))
    this.snapshots = new SnapshotStore(store.cache.disk, place, options.snapshots ?? DEFAULT_SNAPSHOT_SETTINGS)
    this.#cache = cache
    store.owned.removals.prune = (path) => this.#prune(path)
    this.#clock = clock
    this.#orphans = { openedMs: clock.wallMs(), ageMs, nextMs: clock.monotonicMs() + removalMs }
    this.#uncount = memoryTables.addStore(() => store.owned.group.heldBytes)
    background.add(this.#removing)
  }

  /**
   * Opens a store that this process has prepared, and fences the node that owned it. Rejects with UNAVAILABLE if the store
   * cannot be reached. The cache folder is released with the store, also if this fails.
   */
  static async open(address: StoreAddress, cache: CacheFolder, options: StoreOptions = {}): Promise<OwnerStore> {
    try {
      const objects = await Objects.open(address)
      const group = await Group.open(address, options)
      const removals = await Removals.open(group, objects, options).catch(async (error) => {
        await group.close().catch(() => undefined)
        throw error
      })
      const store = { address, objects, owned: { group, removals }, database: group, cache: cache.segments }
      return new OwnerStore(store, cache, options)
    } catch (error) {
      await cache.release()
      throw error
    }
  }

  readonly progress: StoreProgress = {
    position: async () => this.#store.owned.group.position,
    confirm: () => this.touch(),
    applied: async () => this.#store.owned.group.position,
    catchUp: async () => null,
  }

  get notice(): string | null {
    return this.#store.cache.foreignFiles
  }

  get position(): Position {
    return this.#store.owned.group.position
  }

  /** The number of this opening. */
  get epoch(): number {
    return this.#store.owned.group.epoch
  }

  /** Writes nothing, and so finds out whether another node has taken the store. */
  async touch(): Promise<void> {
    await this.#store.owned.group.write({ puts: [] })
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
    try {
      const admit = (manifest: Manifest) => mapRoom.admitCollection(manifest)
      const { onClosed, ...parts } = await recoverCollection(home, this.#clock, admit)
      const engine = new CollectionEngine({ ...parts, onClosed: () => this.#closed(uuid, engine, onClosed) })
      this.#engines.set(uuid, engine)
      return engine
    } catch (error) {
      home.release()
      throw error
    }
  }

  #closed(uuid: string, engine: CollectionEngine, onClosed: (() => void) | undefined): void {
    onClosed?.()
    if (this.#engines.get(uuid) === engine) this.#engines.delete(uuid)
  }

  /** Removes old versions of a table that has not changed since it was compacted. */
  async #prune(path: string): Promise<void> {
    const [, uuid = '', version] = path.split('/')
    const home = new StoreHome(this.#store, uuid)
    const manifest = this.#names.has(uuid) ? await home.readManifest() : null
    if (manifest?.tableVersion !== Number(version)) return
    const engine = this.#engines.get(uuid)
    if (engine && !engine.isClosed)
      return await engine.holdFiles(({ table }) => table.pruneCompacted(manifest.tableVersion))
    const table = await home.openTable(manifest, { readOnly: false })
    await table.pruneCompacted(manifest.tableVersion).finally(() => table.close())
  }

  async create(manifest: Manifest): Promise<null> {
    const { name, uuid } = manifest
    await this.#store.owned.group.write({
      puts: [
        [collectionKey(name), asValue({ uuid })],
        [manifestKey(uuid), encodeManifest(`manifest of collection ${uuid}`, manifest)],
      ],
    })
    this.#names.set(uuid, name)
    return null
  }

  /** The name stands for another collection from now on: the removal of the one before leaves it alone. */
  #adopted({ uuid, name, replaces }: Adopted): void {
    if (replaces !== null) this.#names.delete(replaces)
    this.#names.set(uuid, name)
  }

  async saveAliases(aliases: Aliases): Promise<void> {
    await this.#store.owned.group.write({ puts: [[ALIASES, asValue([...aliases])]] })
  }

  async loadQuotas(): Promise<unknown> {
    return await storedQuotas(this.#store)
  }

  async saveQuotas(config: QuotaConfig): Promise<void> {
    await this.#store.owned.group.write({ puts: [[QUOTAS, asValue(config)]] })
  }

  async diskPercent(): Promise<number> {
    return await this.#store.cache.disk.usedPercent()
  }

  async #remove(): Promise<void> {
    const { group, removals } = this.#store.owned
    if (group.failure) return
    if (this.#hasStrayRecords) await removeStrayRecords(group)
    this.#hasStrayRecords = false
    await removals.sweep()
    const orphans = this.#orphans
    if (this.#clock.monotonicMs() < orphans.nextMs) return
    orphans.nextMs = this.#clock.monotonicMs() + LIST_EVERY_MS
    await removeOrphans(this.#store, { ...orphans, nowMs: this.#clock.wallMs() })
  }

  /** The collection is gone with the first batch. Its log is removed afterwards, and its objects later. */
  async remove({ uuid }: { uuid: string }): Promise<void> {
    const { cache, owned } = this.#store
    const { group, removals } = owned
    const name = this.#names.get(uuid)
    const folders = [`${tableFolder(uuid)}/`, `${segmentFolder(uuid)}/`]
    const deletes = [manifestKey(uuid), ...(name === undefined ? [] : [collectionKey(name)])]
    await group.write({ puts: removals.puts(folders), deletes })
    removals.added(folders)
    this.#names.delete(uuid)
    this.#engines.delete(uuid)
    await removeRecords(group, uuid)
    await cache.disk.removeTree(collectionPaths(uuid).folder)
  }

  async stop(): Promise<void> {
    background.remove(this.#removing)
  }

  async close(): Promise<void> {
    background.remove(this.#removing)
    this.#uncount()
    await this.#store.owned.group.close()
    await this.#cache.release()
  }
}
