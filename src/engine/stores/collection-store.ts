import type { VicinalError } from '../../core/errors.js'
import type { QuotaConfig } from '../../core/quotas.js'
import type { Aliases } from '../../storage/folder-files.js'
import type { Manifest } from '../../storage/manifest.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import type { StoredCollection } from '../collection/collection-home.js'
import type { SnapshotStore } from '../snapshots/snapshot-store.js'
import type { StoreProgress } from './watermark-waits.js'

/** The place where a database keeps its collections: a folder, memory, or a folder that it only reads. */
export interface CollectionStore {
  readonly readOnly: boolean
  /** null for a database in memory. */
  readonly snapshots: SnapshotStore | null
  /** Whether a closed collection can be opened again: not in memory. */
  readonly reopens: boolean
  /** A sentence about the place, for a person to read; null if there is none. */
  readonly notice?: string | null
  /** How far this node has a store that it shares with others; without it, all that was acknowledged is here. */
  readonly progress?: StoreProgress
  /** Registers all collections, and opens none. A reader's store goes on with those that its writer makes and removes. */
  list(registry: CollectionRegistry): Promise<void>
  open(collection: StoredCollection): Promise<CollectionEngine>
  /** Makes a collection on stable storage. Resolves to null if its first use opens it. */
  create(manifest: Manifest): Promise<CollectionEngine | null>
  /** Replaces all aliases on stable storage. */
  saveAliases(aliases: Aliases): Promise<void>
  /** The saved quotas; an empty object if none were saved. */
  loadQuotas(): Promise<unknown>
  saveQuotas(config: QuotaConfig): Promise<void>
  /** How full the file system is, in percent; null in memory. */
  diskPercent(): Promise<number | null>
  /** Removes the closed collection's files. */
  remove(collection: { uuid: string }): Promise<void>
  /** Stops background work before the collections are closed, so that none is opened or loaded afterwards. */
  stop(): Promise<void>
  /** With the collections that the database has closed. */
  close(collections: readonly StoredCollection[]): Promise<void>
}

export interface CollectionRegistry {
  /** One that is there already stays. */
  add(collection: StoredCollection): void
  /** Its files are gone. */
  remove(collection: StoredCollection): Promise<void>
  /** Not even the name of a collection can be read. */
  addNameless(error: VicinalError): void
  setAliases(aliases: Aliases): void
  /** The aliases cannot be read, so an unknown name may be an alias. */
  addDamagedAliases(error: VicinalError): void
  /**
   * The store is another one from now on. Collections that are not in `present` are gone; the others are closed, and open
   * anew with their next use.
   */
  replaced?(present: ReadonlySet<string>): Promise<void>
}
