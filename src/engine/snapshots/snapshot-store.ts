import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.js'
import { invalid, VicinalError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import {
  type RecoverOptions,
  SNAPSHOT_PRIORITIES,
  type SnapshotData,
  type SnapshotDescription,
  type SnapshotSource,
} from '../../core/snapshots.js'
import type { Disk } from '../../disk/disk.js'
import type { Aliases } from '../../storage/folder-files.js'
import { unfinishedFolder } from '../../storage/layout.js'
import { fetchSnapshot } from '../../storage/snapshot-fetch.js'
import { SnapshotFolder, type SnapshotShelf } from '../../storage/snapshot-folder.js'
import {
  isSnapshotFile,
  readSnapshotIndex,
  SNAPSHOT_INDEX,
  type SnapshotCollection,
  type SnapshotIndex,
  writeSnapshotIndex,
} from '../../storage/snapshot-index.js'
import { FileChunks, readArchive, saveBytes, type WrittenArchive, writeArchive } from '../../storage/tar-archive.js'
import { untilDone } from '../collection/call-scope.js'
import type { CollectionEngine } from '../collection/collection-engine.js'
import type { CollectionSlot } from '../collection/collection-slot.js'
import { Queue } from '../limits/overloaded.js'
import { memoryBudget } from '../memory/memory-budget.js'
import { linkCollection } from './link-collection.js'
import { type Adopted, adoptStaged, readStaged, type StagedCollection } from './staged-collection.js'
import { runTrial, trialBounds } from './trial.js'

const ARCHIVE = 'archive'
const UNPACKED = 'unpacked'
/** Locations of the shelf. */
const OWN = /^(?:file|s3):/
const SHA256 = /^[0-9a-f]{64}$/i

export interface SnapshotSettings {
  /** Largest size in bytes of a snapshot that comes from outside. */
  maxBytes: number
  /** Whether a location may be a URL that the server fetches. */
  urls: boolean
}
export const DEFAULT_SNAPSHOT_SETTINGS: SnapshotSettings = { maxBytes: LIMITS.snapshotBytes, urls: false }

interface Picture {
  collections(): readonly CollectionSlot[]
  /** The collection that has the name now. */
  find(name: string): CollectionSlot | undefined
  aliases(): Aliases
}

/** A snapshot that was fetched, unpacked and tried. It has changed nothing yet. */
export interface StagedSnapshot {
  root: string
  index: SnapshotIndex
  collections: StagedCollection[]
}

/** Captures collections, has the shelf of their snapshots, and makes collections of unpacked ones. */
export interface SnapshotPlace {
  readonly shelf: SnapshotShelf
  /** Puts the files of a collection, as of one operation, below `folder`. */
  capture(engine: CollectionEngine, folder: string): Promise<SnapshotCollection>
  /** Makes a collection of an unpacked one. Resolves to null if its first use opens it. */
  adopt(staged: StagedCollection, as: Adopted): Promise<CollectionEngine | null>
}

export function folderPlace(disk: Disk, clock: Clock): SnapshotPlace {
  return {
    shelf: new SnapshotFolder(disk),
    capture: (engine, folder) => linkCollection(engine, disk, folder),
    adopt: (staged, as) => adoptStaged(disk, staged, as, clock),
  }
}

/**
 * Makes and restores snapshots. Unfinished work is in a folder of the disk; after a crash the next open removes it.
 */
export class SnapshotStore {
  readonly shelf: SnapshotShelf
  readonly #disk: Disk
  readonly #place: SnapshotPlace
  readonly #settings: SnapshotSettings
  readonly #queue = new Queue('snapshots', LIMITS.snapshotsAtOnce, LIMITS.snapshotsWaiting)

  /** Unfinished work is on the disk, whatever the place. */
  constructor(disk: Disk, place: SnapshotPlace, settings: SnapshotSettings) {
    this.shelf = place.shelf
    this.#disk = disk
    this.#place = place
    this.#settings = settings
  }

  /** `picture` has the collections and aliases of the moment when the snapshot's turn comes. */
  async create(collection: string | null, picture: Picture): Promise<SnapshotDescription> {
    return await this.#inFolder(async (root) => {
      await this.shelf.checkRoom()
      const { archive, written } = await this.#archive(root, collection, picture)
      return await this.shelf.add(collection, archive, written)
    })
  }

  /** A snapshot whose file no longer has a name when it is read: it disappears with its reader or with the process. */
  async stream(collection: string | null, picture: Picture): Promise<SnapshotData> {
    return await this.#inFolder(async (root) => {
      const { archive, written } = await this.#archive(root, collection, picture)
      const name = await this.shelf.freeName(collection)
      const file = await this.#disk.openRead(archive)
      return { name, bytes: written.bytes, chunks: new FileChunks(file) }
    })
  }

  async #archive(
    root: string,
    collection: string | null,
    picture: Picture,
  ): Promise<{ archive: string; written: WrittenArchive }> {
    const collections = picture.collections()
    const index: SnapshotIndex = {
      kind: collection === null ? 'database' : 'collection',
      createdAt: new Date().toISOString(),
      collections: [],
      aliases: collection === null ? [...picture.aliases()] : [],
    }
    for (const { name } of collections) {
      // Folders are numbered by those that the snapshot has: a collection may be deleted meanwhile.
      const folder = join(root, String(index.collections.length))
      const captured = await this.#captureNow(name, picture, folder).catch((error: unknown) => {
        // A damaged collection must not keep the others out of a snapshot of all. Others tell of it.
        if (collection === null && picture.find(name)?.isDamaged) return null
        throw error
      })
      if (captured) index.collections.push(captured)
    }
    await writeSnapshotIndex(this.#disk, root, index)
    const names = index.collections.flatMap(({ folder, files }) =>
      Object.keys(files).map((file) => `${folder}/${file}`),
    )
    const archive = join(root, ARCHIVE)
    return { archive, written: await writeArchive(this.#disk, root, [SNAPSHOT_INDEX, ...names], archive) }
  }

  /** Captures the collection that has the name now; null if it was deleted meanwhile. */
  async #captureNow(name: string, picture: Picture, folder: string): Promise<SnapshotCollection | null> {
    const current = () => picture.find(name)
    for (let slot = current(); slot; slot = current()) {
      try {
        return await slot.use(({ engine }) => this.#place.capture(engine, folder), undefined, untilDone)
      } catch (cause) {
        // The collection was deleted or replaced during the capture: try again.
        if (current() === slot) throw cause
        await this.#disk.removeTree(folder)
      }
    }
    return null
  }

  /** Fetches, checks and unpacks a snapshot. `use` moves out the parts it needs; the rest is removed. */
  async take<T>(
    source: SnapshotSource,
    options: RecoverOptions,
    kind: 'collection' | 'any',
    use: (staged: StagedSnapshot) => Promise<T>,
  ): Promise<T> {
    const checksum = checksumIn(options)
    return await this.#inFolder(async (root) => {
      const archive = join(root, ARCHIVE)
      const saved = await saveBytes(this.#disk, await this.#chunks(source), archive, this.#settings.maxBytes)
      if (checksum !== null && saved.checksum !== checksum) {
        throw invalid('checksum', `expected a snapshot of SHA-256 ${checksum}`, saved.checksum)
      }
      const staged = await this.#staged(root, archive, saved.bytes, kind).catch((cause: unknown) => {
        throw isOwn(source) ? cause : asBadInput(cause, `${join(root, UNPACKED)}/`)
      })
      return await use(staged)
    })
  }

  async #staged(root: string, archive: string, bytes: number, kind: 'collection' | 'any'): Promise<StagedSnapshot> {
    const unpacked = join(root, UNPACKED)
    const found = await readArchive(this.#disk, archive, unpacked, isSnapshotFile)
    await this.#disk.removeFile(archive)
    const index = await readSnapshotIndex(this.#disk, unpacked, found)
    if (kind === 'collection' && !(index.kind === kind && index.collections.length === 1)) {
      throw invalid('snapshot', 'expected a snapshot of one collection', `one of a ${index.kind}`)
    }
    const collections: StagedCollection[] = []
    for (const entry of index.collections) {
      collections.push(await readStaged(this.#disk, unpacked, entry))
    }
    await runTrial(this.#disk, collections, trialBounds(bytes, memoryBudget.limitBytes))
    return { root, index, collections }
  }

  async adopt(staged: StagedCollection, as: Adopted): Promise<CollectionEngine | null> {
    return await this.#place.adopt(staged, as)
  }

  async #chunks(source: SnapshotSource): Promise<AsyncIterable<Uint8Array>> {
    if (source !== null && typeof source === 'object' && 'chunks' in source) return source.chunks
    const { location, apiKey } = (source ?? {}) as { location?: unknown; apiKey?: string | null }
    if (typeof location !== 'string') throw invalid('location', 'expected a URL', location ?? null)
    if (OWN.test(location)) return await this.shelf.at(location)
    let url: URL
    try {
      url = new URL(location)
    } catch {
      throw invalid('location', 'expected a URL such as file:///…/snapshots/NAME', location)
    }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw invalid('location', 'expected file://, http:// or https://', url.protocol)
    }
    if (!this.#settings.urls) {
      throw new VicinalError('FORBIDDEN', 'location: fetching snapshots from URLs is off (setting snapshot-urls)', {
        details: { field: 'location' },
      })
    }
    return fetchSnapshot(url, { apiKey: apiKey ?? null, maxBytes: this.#settings.maxBytes })
  }

  async #inFolder<T>(work: (root: string) => Promise<T>): Promise<T> {
    return await this.#queue.run(async () => {
      const root = unfinishedFolder(randomUUID())
      await this.#disk.makeFolder(root)
      try {
        return await work(root)
      } finally {
        await this.#disk.removeTree(root).catch(() => undefined)
      }
    })
  }
}

function checksumIn({ checksum, priority }: RecoverOptions): string | null {
  if (priority !== undefined && priority !== null && !SNAPSHOT_PRIORITIES.includes(priority)) {
    throw invalid('priority', `expected one of ${SNAPSHOT_PRIORITIES.join(', ')}`, priority)
  }
  if (checksum === undefined || checksum === null) return null
  if (typeof checksum !== 'string' || !SHA256.test(checksum)) {
    throw invalid('checksum', 'expected the 64 hexadecimal digits of a SHA-256', checksum)
  }
  return checksum.toLowerCase()
}

/** A snapshot in our own folder was checked when it was made. */
function isOwn(source: SnapshotSource): boolean {
  return 'location' in source && OWN.test(source.location)
}

/**
 * Errors that an outside snapshot causes become the sender's: the message has the fault and the path below its root.
 */
const WRONG_INPUT: Readonly<Record<string, string>> = {
  CORRUPT: 'the snapshot is damaged',
  UNSUPPORTED_FORMAT: 'the snapshot is of another version',
}

function asBadInput(cause: unknown, unpacked: string): unknown {
  const what = cause instanceof VicinalError ? WRONG_INPUT[cause.code] : undefined
  if (what === undefined) return cause
  const where = (cause as VicinalError).message.replaceAll(unpacked, '')
  return new VicinalError('INVALID_ARGUMENT', `snapshot: ${what}: ${where}`, {
    details: { field: 'snapshot' },
    isAfterWork: true,
    cause,
  })
}
