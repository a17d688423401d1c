import { hasReached, type Position } from '../../bucket/watermark.js'
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
import { FollowedCollections } from './followed-collections.js'
import { FolderSource, type ReadSource } from './read-source.js'
import type { StoreProgress } from './watermark-waits.js'

/** How far a reader may be behind its writer, and how often it looks for collections made or removed. */
const FOLLOW_MS = 200
const LIST_EVERY_POLLS = 5

const NOTHING: Position = { epoch: 0, batch: 0, catalogueBatch: 0 }

/** A database that this process reads while another may write it. Takes no lock, and writes only its own cache. */
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
  readonly #followed: FollowedCollections
  #polls = 0
  /** The batch whose catalogue was listed last. */
  #listedAt: Position | null = null
  #registry: CollectionRegistry | null = null
  readonly #rounds = new Mutex()
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()
  #isPollDue = false
  #stopped = false

  constructor(source: ReadSource, clock: Clock = systemClock) {
    this.snapshots = new SnapshotStore(source.disk, source.snapshotPlace(clock), DEFAULT_SNAPSHOT_SETTINGS)
    this.#source = source
    this.#clock = clock
    this.#followed = new FollowedCollections(source)
  }

  /** Rejects with NOT_FOUND if the folder does not exist: a reader creates none. */
  static async open(root: string, clock: Clock = systemClock): Promise<ReaderStore> {
    return new ReaderStore(await FolderSource.open(root), clock)
  }

  get notice(): string | null {
    return this.#source.notice
  }

  async list(registry: CollectionRegistry): Promise<void> {
    const listedAt = await this.#source.position()
    await this.#list(registry)
    await this.#source.aliases().then(registry.setAliases, (cause: unknown) => {
      registry.addDamagedAliases(asVicinalError(cause))
    })
    this.#listedAt = listedAt
    this.#registry = registry
    this.#source.onPushed = () => this.#hurry(registry)
    this.#arm(registry)
  }

  readonly progress: StoreProgress = {
    position: async (isAwaited) => (await this.#source.position(isAwaited)) ?? NOTHING,
    applied: async () => {
      const position = (await this.#source.position()) ?? NOTHING
      const isListed = this.#listedAt !== null && hasCatalogueOf(this.#listedAt, position)
      return this.#followed.applied(isListed ? position : (this.#listedAt ?? NOTHING))
    },
    catchUp: (uuids) => this.#catchUp(uuids),
  }

  async open({ uuid }: StoredCollection): Promise<CollectionEngine> {
    return await this.#followed.open(uuid, async () => {
      const home = this.#source.home(uuid)
      const admit = (manifest: Manifest) => mapRoom.admitCollection(manifest)
      const collection = await FollowedCollection.open(home, this.#clock, admit).catch((error) => {
        home.release()
        throw error
      })
      return [collection, new CollectionEngine(collection.parts)]
    })
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
    await this.#followed.stop()
  }

  async close(): Promise<void> {
    await this.#source.close()
  }

  #arm(registry: CollectionRegistry): void {
    if (this.#stopped) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#hurry(registry), FOLLOW_MS).unref()
  }

  /** Polls now; if a poll runs, once more after it. */
  #hurry(registry: CollectionRegistry): void {
    if (this.#isPollDue || this.#stopped) return
    this.#isPollDue = true
    this.#running = this.#rounds
      .run(() => {
        this.#isPollDue = false
        return this.#poll(registry)
      })
      .then(
        () => this.#arm(registry),
        () => this.#arm(registry),
      )
  }

  async #poll(registry: CollectionRegistry): Promise<void> {
    const position = await this.#source.position()
    try {
      await this.#lookAtCatalogue(registry)
    } finally {
      this.#followed.followAll(position)
    }
  }

  async #catchUp(uuids: readonly string[]): Promise<string | null> {
    const registry = this.#registry
    if (!registry || this.#stopped) return 'the store is closing'
    if (uuids.length === 0) await this.#rounds.run(() => this.#lookAtCatalogue(registry))
    const found = await Promise.all(uuids.map((uuid) => this.#followed.catchUp(uuid)))
    return found.find((trouble) => trouble !== null) ?? null
  }

  async #lookAtCatalogue(registry: CollectionRegistry): Promise<void> {
    const position = await this.#source.position()
    if (position && this.#listedAt && hasCatalogueOf(this.#listedAt, position)) return
    const isDue = position !== null || ++this.#polls % LIST_EVERY_POLLS === 0
    if (isDue) await this.#list(registry).catch((error: unknown) => this.#retried(position, error))
    // A file that the writer is replacing right now is read at the next poll.
    await this.#source
      .aliases()
      .then(registry.setAliases)
      .catch((error: unknown) => this.#retried(position, error))
    this.#listedAt = position
  }

  /** The open collection that cannot follow because of the memory limit, and why; null if there is none. */
  get exhausted(): string | null {
    return this.#followed.exhausted
  }

  /** Without a position the next poll looks again anyway. */
  #retried(position: Position | null, error: unknown): void {
    if (position !== null) throw error
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

/** Whether a catalogue that was listed then is the present one. */
function hasCatalogueOf(listedAt: Position, { epoch, catalogueBatch }: Position): boolean {
  return hasReached(listedAt, { epoch, batch: catalogueBatch })
}
