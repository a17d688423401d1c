import { randomBytes } from 'node:crypto'
import { SNAPSHOTS, snapshotKey } from '../../bucket/keys.js'
import { snapshotEntry, snapshotNameOf } from '../../bucket/values.js'
import { invalid, notFound, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { SnapshotData, SnapshotDescription } from '../../core/snapshots.js'
import { isNameOf, prefixOf, type SnapshotShelf, snapshotName } from '../../storage/snapshot-folder.js'
import type { WrittenArchive } from '../../storage/tar-archive.js'
import { filePieces, objectPieces } from './cached-files.js'
import { asValue, type OpenedStore, ownedOf } from './opened-store.js'

/** Path of the snapshots below the store's address. */
export const SNAPSHOT_FOLDER = 'snapshots/'
const RANDOM_BYTES = 4

type Entry = Omit<SnapshotDescription, 'name'>

/**
 * The snapshots that a store keeps: an object each, and an entry in the database, which is written last. Without an entry
 * an object is none. Names are never used again, since an object is removed later than its entry.
 */
export class StoredSnapshots implements SnapshotShelf {
  readonly #store: OpenedStore

  constructor(store: OpenedStore) {
    this.#store = store
  }

  async list(collection: string | null): Promise<SnapshotDescription[]> {
    const prefix = prefixOf(collection)
    const found = (await this.#all()).filter(({ name }) => isNameOf(name, prefix))
    return found.sort((a, b) => (a.creationTime < b.creationTime ? -1 : 1))
  }

  async add(
    collection: string | null,
    archive: string,
    { bytes, checksum }: WrittenArchive,
  ): Promise<SnapshotDescription> {
    const { group } = ownedOf(this.#store)
    const { objects, cache } = this.#store
    const name = await this.freeName(collection)
    await objects.writePieces(SNAPSHOT_FOLDER + name, filePieces(cache.disk, archive))
    const entry: Entry = { creationTime: new Date().toISOString(), bytes, checksum }
    await group.write({ puts: [[snapshotKey(name), asValue(entry)]] })
    return { name, ...entry }
  }

  async checkRoom(): Promise<void> {
    const { length } = await this.#all()
    if (length >= LIMITS.snapshots) throw invalid('snapshots', `expected at most ${LIMITS.snapshots}`, length + 1)
  }

  async delete(collection: string | null, name: string): Promise<void> {
    await this.#find(collection, name)
    const { group, removals } = ownedOf(this.#store)
    const gone = [SNAPSHOT_FOLDER + name]
    await group.write({ puts: removals.puts(gone), deletes: [snapshotKey(name)] })
    removals.added(gone)
  }

  async read(collection: string | null, name: string): Promise<SnapshotData> {
    const { bytes } = await this.#find(collection, name)
    return { name, bytes, chunks: this.#chunks(name, bytes) }
  }

  /** The bytes of a location such as `s3://bucket/prefix/snapshots/NAME`: of this store, and of a listed snapshot. */
  async at(location: string): Promise<AsyncIterable<Uint8Array>> {
    const folder = `${this.#store.address.url}/${SNAPSHOT_FOLDER}`
    if (!location.startsWith(folder)) {
      const message = `location: expected a snapshot of this store, ${folder}NAME`
      throw new VicinalError('FORBIDDEN', message, { details: { field: 'location' } })
    }
    const name = location.slice(folder.length)
    const entry = await this.#entry(name)
    if (!entry) throw invalid('location', 'expected the name of a snapshot of this store', name)
    return this.#chunks(name, entry.bytes)
  }

  async freeName(collection: string | null): Promise<string> {
    return snapshotName(collection, `-${randomBytes(RANDOM_BYTES).toString('hex')}`)
  }

  #chunks(name: string, bytes: number): AsyncGenerator<Uint8Array> {
    return objectPieces(this.#store.objects, SNAPSHOT_FOLDER + name, bytes)
  }

  async #find(collection: string | null, name: string): Promise<Entry> {
    const entry = isNameOf(name, prefixOf(collection)) ? await this.#entry(name) : null
    if (entry) return entry
    throw notFound('Snapshot', name)
  }

  async #entry(name: string): Promise<Entry | null> {
    const value = await this.#store.database.get(snapshotKey(name))
    return value && snapshotEntry(name, value)
  }

  async #all(): Promise<SnapshotDescription[]> {
    const found: SnapshotDescription[] = []
    for await (const [key, value] of this.#store.database.scan(SNAPSHOTS)) {
      const name = snapshotNameOf(key)
      found.push({ name, ...snapshotEntry(name, value) })
    }
    return found
  }
}
