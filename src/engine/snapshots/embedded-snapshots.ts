import { CallOptions } from '../../core/call-options.js'
import { VicinalError } from '../../core/errors.js'
import { givenIfAny } from '../../core/given-options.js'
import type { CollectionSnapshots, SnapshotData, SnapshotDescription } from '../../core/snapshots.js'
import type { Aliases } from '../../storage/folder-files.js'
import { untilDone } from '../collection/call-scope.js'
import type { CollectionSlot } from '../collection/collection-slot.js'
import type { SnapshotStore } from './snapshot-store.js'

/** The database that snapshots are made of. */
export interface SnapshotHost {
  /** null for a database in memory. It may be another one later. */
  snapshots(): SnapshotStore | null
  checkOpen(): void
  checkWritable(): void
  collections(): CollectionSlot[]
  find(name: string): CollectionSlot | undefined
  aliases(): Aliases
  /** The database stays open until the work has ended. */
  untilDone<T>(work: () => Promise<T>): Promise<T>
}

export function snapshotStoreOf(host: Pick<SnapshotHost, 'snapshots'>): SnapshotStore {
  const snapshots = host.snapshots()
  if (snapshots) return snapshots
  throw new VicinalError('INVALID_ARGUMENT', 'snapshots: a database in memory keeps none')
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

  async create(asked?: CallOptions): Promise<SnapshotDescription> {
    const { store, call } = this.#begin('write', asked)
    const made = () => this.#host.untilDone(() => store.create(this.#collection, this.#picture))
    return await untilDone(call, made)
  }

  async stream(asked?: CallOptions): Promise<SnapshotData> {
    const { store, call } = this.#begin('write', asked)
    const made = this.#host.untilDone(() => store.stream(this.#collection, this.#picture))
    try {
      return await untilDone(call, () => made)
    } catch (error) {
      // The caller stopped waiting and will not read it.
      made.then(({ chunks }) => chunks[Symbol.asyncIterator]().return?.()).catch(() => undefined)
      throw error
    }
  }

  get #picture() {
    const slot = this.#slot
    if (!slot) return this.#host
    return { collections: () => [slot], find: () => slot, aliases: () => this.#host.aliases() }
  }

  async list(asked?: CallOptions): Promise<SnapshotDescription[]> {
    const { store, call } = this.#begin('read', asked)
    return await untilDone(call, () => store.shelf.list(this.#collection))
  }

  async delete(name: string, asked?: CallOptions): Promise<void> {
    const { store, call } = this.#begin('write', asked)
    await untilDone(call, () => this.#host.untilDone(() => store.shelf.delete(this.#collection, name)))
  }

  async read(name: string, asked?: CallOptions): Promise<SnapshotData> {
    const { store, call } = this.#begin('read', asked)
    return await untilDone(call, () => store.shelf.read(this.#collection, name))
  }

  #begin(access: 'read' | 'write', asked: CallOptions | undefined): { store: SnapshotStore; call: CallOptions } {
    const call = givenIfAny(CallOptions, asked)
    if (access === 'write') this.#host.checkWritable()
    else this.#host.checkOpen()
    this.#slot?.checkServed()
    return { store: snapshotStoreOf(this.#host), call }
  }
}
