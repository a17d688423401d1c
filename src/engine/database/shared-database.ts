import type { Collection, Database } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import type { Payload } from '../../core/point.js'
import type { ClosedCollection, CollectionInfo } from '../../core/schema.js'
import type { Snapshots } from '../../core/snapshots.js'
import { addVerbs } from '../../core/verbs.js'
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
  cacheBytes: number | null
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
      return new Handle(await this.#database, () => this.#release()) as DatabaseHandle
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

/** The verbs that a handle passes on as they are. */
const VERBS = [
  'createCollection',
  'collections',
  'hasCollection',
  'deleteCollection',
  'updateAliases',
  'aliases',
  'quotas',
  'updateQuotas',
  'recoverCollection',
  'recover',
] as const

/** Has VERBS beside its own methods. */
class Handle extends EnsuringDatabase {
  declare readonly createCollection: EmbeddedDatabase['createCollection']
  readonly #inner: EmbeddedDatabase
  readonly #release: () => Promise<void>
  #closed: Promise<void> | null = null

  constructor(inner: EmbeddedDatabase, release: () => Promise<void>) {
    super()
    this.#inner = inner
    this.#release = release
  }

  static {
    addVerbs(Handle, VERBS, (verb) => {
      return async function (this: Handle, ...args: unknown[]) {
        return await Reflect.apply(this.#open()[verb], this.#inner, args)
      }
    })
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
  get snapshots(): Snapshots {
    return this.#open().snapshots
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

type DatabaseHandle = Handle & Pick<EmbeddedDatabase, (typeof VERBS)[number]>

function closed(): VicinalError {
  return new VicinalError('CLOSED', 'the database is closed')
}
