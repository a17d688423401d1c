import { type Clock, systemClock } from '../../core/clock.js'
import { readOnly } from '../../core/errors.js'
import { Mutex } from '../../core/mutex.js'
import type { Manifest } from '../../storage/manifest.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import type { StoredCollection } from '../collection/collection-home.js'
import { FollowedCollection } from '../collection/followed-collection.js'
import { mapRoom } from '../memory/map-room.js'
import { DEFAULT_SNAPSHOT_SETTINGS, SnapshotStore } from '../snapshots/snapshot-store.js'
import type { CollectionRegistry, CollectionStore } from './collection-store.js'
import { asVicinalError } from './folder-catalogue.js'
import { FolderSource, type ReadSource } from './read-source.js'
import type { StoreProgress } from './watermark-waits.js'

/** How far a reader may be behind its writer, and how often it looks for collections made or removed. */
const FOLLOW_MS = 200
const LIST_EVERY_POLLS = 5

interface Followed {
  collection: FollowedCollection
  engine: CollectionEngine
}

/** What a process reads while another may write it. Takes no lock, and writes nothing but its own cache. */
export class ReaderStore implements CollectionStore {
  readonly readOnly = true
  readonly reopens = true
  readonly snapshots: SnapshotStore
  readonly #source: ReadSource
  readonly #clock: Clock
  /** Keyed by uuid. */
  readonly #listed = new Map<string, StoredCollection>()
  /** Folders of collections that were told to be unreadable. */
  readonly #unread = new Set<string>()
  /** The open collections. */
  readonly #followed = new Set<Followed>()
  readonly #opening = new Set<Promise<unknown>>()
  #polls = 0
  #catalogueVersion: string | null = null
  #registry: CollectionRegistry | null = null
  readonly #rounds = new Mutex()
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(source: ReadSource, clock: Clock = systemClock) {
    this.snapshots = new SnapshotStore(source.disk, source.snapshotPlace(clock), DEFAULT_SNAPSHOT_SETTINGS)
    this.#source = source
    this.#clock = clock
  }

  /** Rejects with NOT_FOUND if the folder does not exist: a reader creates none. */
  static async open(root: string, clock: Clock = systemClock): Promise<ReaderStore> {
    return new ReaderStore(await FolderSource.open(root), clock)
  }

  get notice(): string | null {
    return this.#source.notice
  }

  async list(registry: CollectionRegistry): Promise<void> {
    this.#catalogueVersion = await this.#source.catalogueVersion()
    await this.#list(registry)
    await this.#source.aliases().then(registry.setAliases, (cause: unknown) => {
      registry.addDamagedAliases(asVicinalError(cause))
    })
    this.#registry = registry
    this.#arm(registry)
  }

  readonly progress: StoreProgress = {
    position: async () => (await this.#source.position()) ?? { epoch: 0, batch: 0, catalogueBatch: 0 },
    catchUp: () => this.#rounds.run(() => this.#catchUp()),
  }

  async open(collection: StoredCollection): Promise<CollectionEngine> {
    const opening = this.#open(collection)
    const settled: Promise<unknown> = opening.then(
      () => this.#opening.delete(settled),
      () => this.#opening.delete(settled),
    )
    this.#opening.add(settled)
    return await opening
  }

  async #open({ uuid }: StoredCollection): Promise<CollectionEngine> {
    const home = this.#source.home(uuid)
    const admit = (manifest: Manifest) => mapRoom.admitCollection(manifest)
    const collection = await FollowedCollection.open(home, this.#clock, admit).catch((error) => {
      home.release()
      throw error
    })
    const engine = new CollectionEngine(collection.parts)
    this.#followed.add({ collection, engine })
    return engine
  }

  async create(): Promise<never> {
    throw readOnly()
  }

  async saveAliases(): Promise<never> {
    throw readOnly()
  }

  async loadQuotas(): Promise<unknown> {
    return await this.#source.quotas()
  }

  async saveQuotas(): Promise<never> {
    throw readOnly()
  }

  async diskPercent(): Promise<number> {
    return await this.#source.diskPercent()
  }

  async remove(): Promise<never> {
    throw readOnly()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    // A failed poll does not prevent closing.
    await this.#running.catch(() => undefined)
  }

  async close(): Promise<void> {
    await this.#source.close()
  }

  #arm(registry: CollectionRegistry): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#running = this.#rounds
        .run(() => this.#poll(registry))
        .then(
          () => this.#arm(registry),
          () => this.#arm(registry),
        )
    }, FOLLOW_MS).unref()
  }

  async #poll(registry: CollectionRegistry): Promise<void> {
    await this.#lookAtCatalogue(registry)
    await this.#follow()
  }

  /** Everything that the source has now, in collections that are being opened too. */
  async #catchUp(): Promise<boolean> {
    if (!this.#registry || this.#stopped) return false
    await this.#lookAtCatalogue(this.#registry)
    await Promise.all(this.#opening)
    return await this.#follow()
  }

  async #lookAtCatalogue(registry: CollectionRegistry): Promise<void> {
    const version = await this.#source.catalogueVersion()
    if (version !== null && version === this.#catalogueVersion) return
    const isDue = version !== null || ++this.#polls % LIST_EVERY_POLLS === 0
    if (isDue) await this.#list(registry).catch((error: unknown) => this.#retried(version, error))
    // A file that the writer is replacing right now is read at the next poll.
    await this.#source
      .aliases()
      .then(registry.setAliases)
      .catch((error: unknown) => this.#retried(version, error))
    this.#catalogueVersion = version
  }

  /** Without a version the next poll looks again anyway. */
  #retried(version: string | null, error: unknown): void {
    if (version !== null) throw error
  }

  /** The open collection that cannot follow because of the memory limit, and why; null if there is none. */
  get exhausted(): string | null {
    for (const { collection, engine } of this.#followed)
      if (collection.exhausted && !engine.isClosed)
        return `collection ${JSON.stringify(engine.name)}: ${collection.exhausted.message}`
    return null
  }

  /** Whether all open collections have all records that are there. */
  async #follow(): Promise<boolean> {
    let isLevel = true
    for (const followed of this.#followed) {
      if (this.#stopped) return false
      const { collection, engine } = followed
      if (engine.isClosed) this.#followed.delete(followed)
      else isLevel = (await collection.follow(engine)) && isLevel
    }
    return isLevel
  }

  async #list(registry: CollectionRegistry): Promise<void> {
    const { present, unread } = await this.#source.list()
    const uuids = new Set(present.map(({ uuid }) => uuid))
    for (const [uuid, collection] of this.#listed) {
      if (uuids.has(uuid)) continue
      this.#listed.delete(uuid)
      await registry.remove(collection)
    }
    for (const collection of present) {
      if (this.#listed.has(collection.uuid)) continue
      this.#listed.set(collection.uuid, collection)
      registry.add(collection)
    }
    for (const { folder, error } of unread) {
      if (this.#unread.has(folder)) continue
      this.#unread.add(folder)
      registry.addNameless(error)
    }
  }
}
