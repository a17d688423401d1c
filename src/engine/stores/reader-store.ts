import { type Clock, systemClock } from '../../core/clock.js'
import { notFound, VicinalError } from '../../core/errors.js'
import { Disk } from '../../disk/disk.js'
import { readAliases } from '../../storage/alias-file.js'
import { type CollectionPaths, listCollections } from '../../storage/layout.js'
import { readQuotas } from '../../storage/quota-file.js'
import { CollectionEngine } from '../collection/collection-engine.js'
import { FollowedCollection } from '../collection/followed-collection.js'
import { DEFAULT_SNAPSHOT_SETTINGS, SnapshotStore } from '../snapshots/snapshot-store.js'
import type { CollectionRegistry, CollectionStore } from './collection-store.js'
import { asVicinalError, identityOf } from './folder-store.js'

/** How far a reader may be behind its writer, and how often it looks for collections made or removed. */
const FOLLOW_MS = 200
const LIST_EVERY_POLLS = 5

interface Followed {
  collection: FollowedCollection
  engine: CollectionEngine
}

/**
 * The data folder of a process that only reads it, while another process may write it. Takes no lock, writes nothing.
 */
export class ReaderStore implements CollectionStore {
  readonly readOnly = true
  readonly snapshots: SnapshotStore
  readonly #disk: Disk
  readonly #clock: Clock
  /** Keyed by folder. */
  readonly #followed = new Map<string, Followed>()
  #polls = 0
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  private constructor(disk: Disk, clock: Clock) {
    this.snapshots = new SnapshotStore(disk, clock, DEFAULT_SNAPSHOT_SETTINGS)
    this.#disk = disk
    this.#clock = clock
  }

  /** Rejects with NOT_FOUND if the folder does not exist: a reader creates none. */
  static async open(root: string, clock: Clock = systemClock): Promise<ReaderStore> {
    const disk = new Disk(root)
    if (!(await disk.exists('.'))) throw notFound('data folder', root)
    return new ReaderStore(disk, clock)
  }

  async openAll(registry: CollectionRegistry): Promise<void> {
    await this.#list(registry)
    await readAliases(this.#disk).then(registry.setAliases, (cause: unknown) => {
      registry.addDamagedAliases(asVicinalError(cause))
    })
    this.#arm(registry)
  }

  async create(): Promise<never> {
    throw new VicinalError('READ_ONLY', 'the database was opened read-only')
  }

  async saveAliases(): Promise<never> {
    throw new VicinalError('READ_ONLY', 'the database was opened read-only')
  }

  async loadQuotas(): Promise<unknown> {
    return await readQuotas(this.#disk)
  }

  async saveQuotas(): Promise<never> {
    throw new VicinalError('READ_ONLY', 'the database was opened read-only')
  }

  async diskPercent(): Promise<number> {
    return await this.#disk.usedPercent()
  }

  async remove(): Promise<never> {
    throw new VicinalError('READ_ONLY', 'the database was opened read-only')
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    // A failed poll does not prevent closing.
    await this.#running.catch(() => undefined)
  }

  async close(): Promise<void> {}

  #arm(registry: CollectionRegistry): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#running = this.#poll(registry).finally(() => this.#arm(registry))
    }, FOLLOW_MS).unref()
  }

  async #poll(registry: CollectionRegistry): Promise<void> {
    if (++this.#polls % LIST_EVERY_POLLS === 0) await this.#list(registry)
    // A file that the writer is replacing right now is read at the next poll.
    await readAliases(this.#disk).then(registry.setAliases, () => undefined)
    for (const { collection, engine } of this.#followed.values()) {
      if (this.#stopped) return
      await collection.follow(engine)
    }
  }

  async #list(registry: CollectionRegistry): Promise<void> {
    const present = await listCollections(this.#disk).catch(() => null)
    if (present === null) return
    const folders = new Set(present.map((paths) => paths.folder))
    for (const [folder, { engine }] of this.#followed) {
      if (folders.has(folder)) continue
      this.#followed.delete(folder)
      registry.remove(engine)
      await engine.close()
    }
    // A replacement existed beside the collection it replaces for a moment, so the names are registered again.
    for (const { engine } of this.#followed.values()) registry.add(engine)
    for (const paths of present) {
      if (this.#stopped) return
      if (!this.#followed.has(paths.folder)) await this.#add(paths, registry)
    }
  }

  async #add(paths: CollectionPaths, registry: CollectionRegistry): Promise<void> {
    try {
      const collection = await FollowedCollection.open(this.#disk, paths, this.#clock)
      const engine = new CollectionEngine(collection.parts)
      this.#followed.set(paths.folder, { collection, engine })
      registry.add(engine)
    } catch (cause) {
      // A collection that is being removed right now is not damaged.
      if (!(await this.#disk.exists(paths.folder))) return
      registry.addDamaged({ ...(await identityOf(this.#disk, paths)), error: asVicinalError(cause) })
    }
  }
}
