import { createHash } from 'node:crypto'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeValue, invalid, notFound, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { Mutex } from '../core/mutex.js'
import { SNAPSHOT_NAME } from '../core/names.js'
import type { SnapshotData, SnapshotDescription } from '../core/snapshots.js'
import type { Disk } from '../disk/disk.js'
import type { ReadFile } from '../disk/read-file.js'
import { checksumOf, FileChunks, type WrittenArchive } from './tar-archive.js'

/** All snapshots are files of this folder: a collection's name never becomes a path. */
export const SNAPSHOTS = 'snapshots'
const SUFFIX = '.snapshot'
const CHECKSUM = '.checksum'
const CHECKSUM_BYTES = 128
const SHA256 = /^[0-9a-f]{64}$/i
const SLUG_CHARS = 64
const DIGEST_CHARS = 16

/** The place of finished snapshots. `collection` is null for snapshots of the whole database. */
export interface SnapshotShelf {
  /** The oldest first. */
  list(collection: string | null): Promise<SnapshotDescription[]>
  /** Takes a finished archive in, at a path of the disk. */
  add(collection: string | null, archive: string, written: WrittenArchive): Promise<SnapshotDescription>
  /** Rejects with INVALID_ARGUMENT if there are too many. */
  checkRoom(): Promise<void>
  delete(collection: string | null, name: string): Promise<void>
  read(collection: string | null, name: string): Promise<SnapshotData>
  /** The bytes at a location, which must be of this shelf. */
  at(location: string): Promise<AsyncIterable<Uint8Array>>
  /** A name that no snapshot has yet. */
  freeName(collection: string | null): Promise<string>
}

/** The snapshots of a data folder. A file appears as a whole, with its checksum beside it, or not at all. */
export class SnapshotFolder implements SnapshotShelf {
  readonly #disk: Disk
  readonly #adding = new Mutex()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Snapshots of a collection, or of the whole database if `collection` is null; oldest first. */
  async list(collection: string | null): Promise<SnapshotDescription[]> {
    const prefix = prefixOf(collection)
    const names = (await this.#disk.list(SNAPSHOTS)).map(({ name }) => name)
    const found: SnapshotDescription[] = []
    for (const name of names) {
      if (!isNameOf(name, prefix)) continue
      const description = await this.#describe(name)
      if (description) found.push(description)
    }
    return found.sort((a, b) => (a.creationTime < b.creationTime ? -1 : 1))
  }

  /** Moves a finished archive into the folder. */
  async add(collection: string | null, archive: string, written: WrittenArchive): Promise<SnapshotDescription> {
    // One after the other: a name is free until its file is there.
    return await this.#adding.run(() => this.#add(collection, archive, written))
  }

  async #add(collection: string | null, archive: string, { checksum }: WrittenArchive): Promise<SnapshotDescription> {
    const disk = this.#disk
    await disk.makeFolder(SNAPSHOTS)
    const name = await this.freeName(collection)
    await disk.replaceFile(join(SNAPSHOTS, name + CHECKSUM), Buffer.from(checksum))
    await disk.rename(archive, join(SNAPSHOTS, name))
    await disk.syncFolder(SNAPSHOTS)
    await disk.syncFolder('.')
    return (await this.#describe(name)) as SnapshotDescription
  }

  async checkRoom(): Promise<void> {
    const count = (await this.#disk.list(SNAPSHOTS)).filter(({ name }) => SNAPSHOT_NAME.test(name)).length
    if (count >= LIMITS.snapshots) throw invalid('snapshots', `expected at most ${LIMITS.snapshots}`, count + 1)
  }

  async delete(collection: string | null, name: string): Promise<void> {
    const path = await this.#pathOf(collection, name)
    await this.#disk.removeFile(path)
    await this.#disk.removeFile(path + CHECKSUM)
    await this.#disk.syncFolder(SNAPSHOTS)
  }

  async read(collection: string | null, name: string): Promise<SnapshotData> {
    await this.#pathOf(collection, name)
    const file = await this.#open(name)
    return { name, bytes: await file.size(), chunks: new FileChunks(file) }
  }

  /** The bytes of a `file://` location. It must be a file of this folder. Refusals are worded as Qdrant's. */
  async at(location: string): Promise<AsyncIterable<Uint8Array>> {
    const details = { field: 'location' }
    const refused = (why: string) => new VicinalError('INVALID_ARGUMENT', `Bad request: ${why}`, { details })
    let path: string
    try {
      path = fileURLToPath(location)
    } catch {
      throw refused('Invalid snapshot URI, file path must be absolute or on localhost')
    }
    const isThere = await this.#disk.exists(relative(this.#disk.root, path))
    if (!isThere) throw refused(`Snapshot file ${describeValue(path)} does not exist`)
    const name = basename(path)
    if (!SNAPSHOT_NAME.test(name) || path !== this.#disk.absolute(join(SNAPSHOTS, name))) {
      const why = 'Snapshot file path must be inside the snapshots directory of the data folder'
      throw new VicinalError('FORBIDDEN', `location: ${why}`, { details })
    }
    return new FileChunks(await this.#open(name))
  }

  async #open(name: string): Promise<ReadFile> {
    return await this.#disk.openRead(join(SNAPSHOTS, name), { plain: true }).catch((cause: VicinalError) => {
      throw cause.details.errno === 'ELOOP' ? invalid('location', 'expected a regular file', name) : cause
    })
  }

  async #pathOf(collection: string | null, name: string): Promise<string> {
    const isName = isNameOf(name, prefixOf(collection))
    if (!isName || (await this.#disk.facts(join(SNAPSHOTS, name))) === null) throw notFound('Snapshot', name)
    return join(SNAPSHOTS, name)
  }

  async #describe(name: string): Promise<SnapshotDescription | null> {
    const path = join(SNAPSHOTS, name)
    const facts = await this.#disk.facts(path)
    if (facts === null) return null
    const creationTime = new Date(facts.modifiedMs).toISOString()
    return { name, creationTime, bytes: facts.bytes, checksum: await this.#checksum(path) }
  }

  /** The stored checksum. For a file that was put there by hand, it is computed and stored now. */
  async #checksum(path: string): Promise<string> {
    const stored = await this.#disk.readFile(path + CHECKSUM, CHECKSUM_BYTES).then(String, () => '')
    if (SHA256.test(stored)) return stored
    const { checksum } = await checksumOf(this.#disk, path)
    await this.#disk.replaceFile(path + CHECKSUM, Buffer.from(checksum))
    return checksum
  }

  /** A name with the present second that no file has yet. */
  async freeName(collection: string | null): Promise<string> {
    for (let number = 0; ; number++) {
      const name = snapshotName(collection, number === 0 ? '' : `-${number}`)
      if (!(await this.#disk.exists(join(SNAPSHOTS, name)))) return name
    }
  }
}

/** A name with the present second. */
export function snapshotName(collection: string | null, ending: string): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-')
  return `${prefixOf(collection)}${time}${ending}${SUFFIX}`
}

export function isNameOf(name: string, prefix: string): boolean {
  return SNAPSHOT_NAME.test(name) && name.startsWith(prefix)
}

/** The plain characters of the name, for readability, and its digest, so that prefixes never collide. */
export function prefixOf(collection: string | null): string {
  if (collection === null) return 'full-snapshot-'
  const slug = collection.replace(/[^0-9A-Za-z_]+/g, '_').slice(0, SLUG_CHARS)
  const digest = createHash('sha256').update(collection).digest('hex').slice(0, DIGEST_CHARS)
  return `${slug}-${digest}-`
}
