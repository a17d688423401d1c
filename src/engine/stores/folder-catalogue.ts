import { VicinalError } from '../../core/errors.js'
import { Mutex } from '../../core/mutex.js'
import type { Disk } from '../../disk/disk.js'
import { type CatalogueEntry, readCatalogue, writeCatalogue } from '../../storage/folder-files.js'
import { type CollectionPaths, listCollections, uuidOf } from '../../storage/layout.js'
import { readManifest } from '../../storage/manifest.js'
import type { StoredCollection } from '../collection/collection-home.js'

/** Manifests that are read at a time. */
const READS_AT_ONCE = 16

export interface ListedCollections {
  present: StoredCollection[]
  /** A collection of the same name has replaced them. */
  replaced: StoredCollection[]
  /** Collections whose manifests cannot be read. */
  unread: { paths: CollectionPaths; error: VicinalError }[]
}

/**
 * The collections of a data folder. The names of its folders list them: a collection's folder appears and
 * disappears as a whole. Name and uuid of a collection never change, so its manifest is read once. The catalogue file
 * keeps them for the next process. It may be old or missing: manifests of collections that it lacks are read, and
 * collections without a folder are not there.
 */
export class FolderCatalogue {
  readonly #disk: Disk
  /** Keyed by uuid. */
  #known: Map<string, CatalogueEntry> | null = null
  /** The catalogue file has the same. */
  #isSaved = false
  readonly #mutex = new Mutex()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  add(entry: CatalogueEntry): void {
    this.#known?.set(entry.uuid, lasting(entry))
    this.#isSaved = false
  }

  remove({ uuid }: { uuid: string }): void {
    if (this.#known?.delete(uuid)) this.#isSaved = false
  }

  /** Writes the file if it is old: without counts, since collections are being opened and written. */
  async save(): Promise<void> {
    await this.#mutex.run(async () => {
      if (this.#isSaved || this.#known === null) return
      this.#isSaved = true
      try {
        await writeCatalogue(this.#disk, [...this.#known.values()])
      } catch (error) {
        this.#isSaved = false
        throw error
      }
    })
  }

  /** Writes the file for the last time, with the counts of the closed collections. */
  async saveClosed(collections: readonly StoredCollection[]): Promise<void> {
    const counts = new Map(collections.map((collection) => [collection.uuid, collection.counts]))
    await this.#mutex.run(async () => {
      if (this.#known === null) return
      const entries = [...this.#known.values()].map((entry) => {
        const held = counts.get(entry.uuid)
        return held ? { ...entry, counts: held } : entry
      })
      await writeCatalogue(this.#disk, entries)
    })
  }

  async #load(): Promise<Map<string, CatalogueEntry>> {
    const entries = await readCatalogue(this.#disk)
    this.#isSaved = true
    return new Map(entries.map((entry) => [entry.uuid, entry]))
  }

  async list(): Promise<ListedCollections> {
    this.#known ??= await this.#load()
    const before = this.#known
    const folders = await listCollections(this.#disk)
    const unread: ListedCollections['unread'] = []
    const unknown = folders.filter((paths) => !before.has(uuidOf(paths)))
    for (let at = 0; at < unknown.length; at += READS_AT_ONCE) {
      const reads = unknown.slice(at, at + READS_AT_ONCE).map(async (paths) => {
        await this.#read(paths).then(
          (entry) => this.add(entry),
          (cause: unknown) => unread.push({ paths, error: asVicinalError(cause) }),
        )
      })
      await Promise.all(reads)
    }
    const entries = folders.flatMap((paths) => before.get(uuidOf(paths)) ?? [])
    this.#known = new Map(entries.map((entry) => [entry.uuid, lasting(entry)]))
    // The counts hold until a collection is opened, so the file is written without them before one is.
    if (this.#known.size < before.size || entries.some(({ counts }) => counts)) this.#isSaved = false
    const replaced = new Set(entries.flatMap(({ uuid, replaces }) => (replaces === uuid ? [] : (replaces ?? []))))
    return {
      present: entries.filter(({ uuid }) => !replaced.has(uuid)),
      replaced: entries.filter(({ uuid }) => replaced.has(uuid)),
      unread,
    }
  }

  async #read(paths: CollectionPaths): Promise<CatalogueEntry> {
    const manifest = await readManifest(this.#disk, paths.manifest)
    if (manifest.uuid === uuidOf(paths)) return manifest
    throw new VicinalError('CORRUPT', `${paths.manifest}: it is of collection ${manifest.uuid}`, {
      details: { path: paths.manifest },
    })
  }
}

/** The fields of a collection that never change. */
function lasting({ uuid, name, replaces }: CatalogueEntry): CatalogueEntry {
  return { uuid, name, ...(replaces === undefined ? {} : { replaces }) }
}

export function asVicinalError(cause: unknown): VicinalError {
  return cause instanceof VicinalError ? cause : new VicinalError('INTERNAL', String(cause), { cause })
}
