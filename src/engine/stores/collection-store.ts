import type { VicinalError } from '../../core/errors.js'
import type { QuotaConfig } from '../../core/quotas.js'
import type { Aliases } from '../../storage/alias-file.js'
import type { Manifest } from '../../storage/manifest.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import type { SnapshotStore } from '../snapshots/snapshot-store.js'

/** Where a database keeps its collections: a folder, memory, or a folder it only reads. */
export interface CollectionStore {
  readonly readOnly: boolean
  /** null in memory. */
  readonly snapshots: SnapshotStore | null
  /**
   * Opens what is there. A collection that cannot be opened is reported as damaged, and does not stop the others.
   * A reader's store goes on telling the registry what its writer makes and removes.
   */
  openAll(registry: CollectionRegistry): Promise<void>
  create(manifest: Manifest): Promise<CollectionEngine>
  /** Puts all aliases on stable storage in the place of those before. */
  saveAliases(aliases: Aliases): Promise<void>
  /** As they were saved; an empty object where none were. */
  loadQuotas(): Promise<unknown>
  saveQuotas(config: QuotaConfig): Promise<void>
  /** How full the file system is; null in memory. */
  diskPercent(): Promise<number | null>
  /** Removes the closed collection's files. */
  remove(collection: { uuid: string }): Promise<void>
  /** Ends what it does by itself, before its collections are closed: none is opened or loaded anew behind that. */
  stop(): Promise<void>
  close(): Promise<void>
}

export interface CollectionRegistry {
  add(engine: CollectionEngine): void
  remove(engine: CollectionEngine): void
  addDamaged(damaged: DamagedCollection): void
  setAliases(aliases: Aliases): void
  /** They cannot be read: names that are no collection's may be any. */
  addDamagedAliases(error: VicinalError): void
}

export interface DamagedCollection {
  /** null where not even the name could be read. */
  name: string | null
  /** null where it is no collection that is damaged. */
  uuid: string | null
  error: VicinalError
}
