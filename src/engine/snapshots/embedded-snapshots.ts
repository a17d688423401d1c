import type { CallOptions } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import { checkIfGiven } from '../../core/known-keys.js'
import { KNOWN_CALL } from '../../core/known-options.js'
import type { CollectionSnapshots, SnapshotData, SnapshotDescription } from '../../core/snapshots.js'
import type { Aliases } from '../../storage/alias-file.js'
import { untilDone } from '../collection/call-scope.js'
import type { CollectionSlot } from '../collection/collection-slot.js'
import type { SnapshotStore } from './snapshot-store.js'

/** The database that snapshots are made of. */
export interface SnapshotHost {
  /** null for a database in memory. */
  readonly snapshots: SnapshotStore | null
  checkOpen(): void
  checkWritable(): void
  collections(): CollectionSlot[]
  aliases(): Aliases
  /** The database stays open until the work has ended. */
  untilDone<T>(work: () => Promise<T>): Promise<T>
}

export function snapshotStoreOf({ snapshots }: Pick<SnapshotHost, 'snapshots'>): SnapshotStore {
  if (snapshots) return snapshots
  throw new VicinalError('INVALID_ARGUMENT', 'snapshots: the database is in memory, and has no folder to keep them in')
}

/** Snapshots of one collection, or of the whole database if `slot` is null. */
export class EmbeddedSnapshots implements CollectionSnapshots {
  readonly #host: SnapshotHost
  readonly #slot: CollectionSlot | null

  constructor(host: SnapshotHost, slot: CollectionSlot | null) {
    this.#host = host
    this.#slot = slot
  }

  get #collection(): string | null {
    return this.#slot?.name ?? null
  }

  async create(call?: CallOptions): Promise<SnapshotDescription> {
    const store = this.#store('write', call)
    const made = () => this.#host.untilDone(() => store.create(this.#collection, () => this.#picture()))
    return await untilDone(call, made)
  }

  async stream(call?: CallOptions): Promise<SnapshotData> {
    const store = this.#store('write', call)
    const made = this.#host.untilDone(() => store.stream(this.#collection, () => this.#picture()))
    try {
      return await untilDone(call, () => made)
    } catch (error) {
      // The caller stopped waiting and will not read it.
      made.then(({ chunks }) => chunks[Symbol.asyncIterator]().return?.()).catch(() => undefined)
      throw error
    }
  }

  #picture() {
    return {
      collections: this.#slot ? [this.#slot] : this.#host.collections(),
      aliases: this.#host.aliases(),
    }
  }

  async list(call?: CallOptions): Promise<SnapshotDescription[]> {
    const store = this.#store('read', call)
    return await untilDone(call, () => store.folder.list(this.#collection))
  }

  async delete(name: string, call?: CallOptions): Promise<void> {
    const store = this.#store('write', call)
    await untilDone(call, () => this.#host.untilDone(() => store.folder.delete(this.#collection, name)))
  }

  async read(name: string, call?: CallOptions): Promise<SnapshotData> {
    const store = this.#store('read', call)
    return await untilDone(call, () => store.folder.read(this.#collection, name))
  }

  #store(access: 'read' | 'write', call: CallOptions | undefined): SnapshotStore {
    checkIfGiven(call, KNOWN_CALL)
    if (access === 'write') this.#host.checkWritable()
    else this.#host.checkOpen()
    this.#slot?.checkServed()
    return snapshotStoreOf(this.#host)
  }
}
