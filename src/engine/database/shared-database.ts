import type { AliasAction, AliasDescription } from '../../core/aliases.js'
import type { CallOptions, Collection, Database } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import type { Payload } from '../../core/point.js'
import type { QuotaConfig, QuotaStatus } from '../../core/quotas.js'
import type { ClosedCollection, CollectionInfo, CollectionOptions } from '../../core/schema.js'
import type { RecoverOptions, SnapshotSource, Snapshots } from '../../core/snapshots.js'
import { memoryBudget } from '../memory/memory-budget.js'
import type { EmbeddedDatabase } from './embedded-database.js'
import { EnsuringDatabase } from './ensuring-database.js'
import type { SharedCollection, SharingDatabase } from './sharing.js'

/** Settings that all handles share. */
export interface DatabaseSettings {
  concurrentSearches: number
  snapshotUrls: boolean
  maxSnapshotBytes: number
  collectionIdleMs: number
  /** null without a store. */
  commitWindowMs: number | null
}

/** One open database with several handles. It closes with the last of them. */
export class SharedDatabase {
  readonly settings: DatabaseSettings
  readonly #database: Promise<EmbeddedDatabase>
  readonly #onClosed: () => void
  #limit: { bytes: number; lift(): void } | null = null
  #handles = 0
  #closing: Promise<void> | null = null

  constructor(database: Promise<EmbeddedDatabase>, settings: DatabaseSettings, onClosed: () => void) {
    this.#database = database
    this.settings = settings
    this.#onClosed = onClosed
  }

  /** The lowest limit asked for applies until the database is closed. */
  limit(bytes: number): void {
    const before = this.#limit
    if (before && before.bytes <= bytes) return
    this.#limit = { bytes, lift: memoryBudget.limit(bytes) }
    before?.lift()
  }

  async handle(): Promise<SharingDatabase> {
    this.#handles++
    try {
      return new DatabaseHandle(await this.#database, () => this.#release())
    } catch (error) {
      this.#tellClosed()
      throw error
    }
  }

  /** Set once the last handle is closed. Opening the folder again must wait for it. */
  get closing(): Promise<void> | null {
    return this.#closing
  }

  async #release(): Promise<void> {
    if (--this.#handles > 0) return
    this.#closing = this.#database.then((database) => database.close()).finally(() => this.#tellClosed())
    await this.#closing
  }

  #tellClosed(): void {
    this.#limit?.lift()
    this.#limit = null
    this.#onClosed()
  }
}

class DatabaseHandle extends EnsuringDatabase implements SharingDatabase {
  readonly #inner: EmbeddedDatabase
  readonly #release: () => Promise<void>
  #closed: Promise<void> | null = null

  constructor(inner: EmbeddedDatabase, release: () => Promise<void>) {
    super()
    this.#inner = inner
    this.#release = release
  }

  async createCollection<P = Payload>(
    name: string,
    options: CollectionOptions,
    call?: CallOptions,
  ): Promise<Collection<P>> {
    return await this.#open().createCollection<P>(name, options, call)
  }
  /** Each request passes here, so no further promise is made. */
  collection<P = Payload>(name: string): Promise<Collection<P>> {
    return this.#closed ? Promise.reject(closed()) : this.#inner.collection<P>(name)
  }
  share(name: string): SharedCollection | 'cold' | null {
    return this.#closed ? null : this.#inner.share(name)
  }
  peek(name: string): Promise<CollectionInfo | ClosedCollection> {
    return this.#closed ? Promise.reject(closed()) : this.#inner.peek(name)
  }
  async collections(call?: CallOptions): Promise<string[]> {
    return await this.#open().collections(call)
  }
  async hasCollection(name: string, call?: CallOptions): Promise<boolean> {
    return await this.#open().hasCollection(name, call)
  }
  async deleteCollection(name: string, call?: CallOptions): Promise<boolean> {
    return await this.#open().deleteCollection(name, call)
  }
  async updateAliases(actions: readonly AliasAction[], call?: CallOptions): Promise<void> {
    await this.#open().updateAliases(actions, call)
  }
  async aliases(call?: CallOptions): Promise<AliasDescription[]> {
    return await this.#open().aliases(call)
  }
  async quotas(call?: CallOptions): Promise<QuotaStatus> {
    return await this.#open().quotas(call)
  }
  async updateQuotas(config: QuotaConfig, call?: CallOptions): Promise<void> {
    await this.#open().updateQuotas(config, call)
  }
  get snapshots(): Snapshots {
    return this.#open().snapshots
  }
  async recoverCollection<P = Payload>(
    name: string,
    source: SnapshotSource,
    options?: RecoverOptions,
  ): Promise<Collection<P>> {
    return await this.#open().recoverCollection<P>(name, source, options)
  }
  async recover(source: SnapshotSource, options?: RecoverOptions): Promise<string[]> {
    return await this.#open().recover(source, options)
  }
  get watermarks(): NonNullable<Database['watermarks']> {
    return this.#open().watermarks
  }
  get nameless(): readonly Error[] {
    return this.#open().nameless
  }
  async close(): Promise<void> {
    this.#closed ??= this.#release()
    await this.#closed
  }

  #open(): EmbeddedDatabase {
    if (this.#closed) throw closed()
    return this.#inner
  }
}

function closed(): VicinalError {
  return new VicinalError('CLOSED', 'the database is closed')
}
