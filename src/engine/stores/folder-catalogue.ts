import { VicinalError } from '../../core/errors.js'
import type { Disk } from '../../disk/disk.js'
import { type CollectionPaths, listCollections, uuidOf } from '../../storage/layout.js'
import { readManifest } from '../../storage/manifest.js'
import type { StoredCollection } from './collection-store.js'

/** Manifests that are read at a time. */
const READS_AT_ONCE = 16

/** What never changes of a collection's manifest, and is needed to know the collection without opening it. */
interface CatalogueEntry extends StoredCollection {
  /** The uuid of the collection that this one replaced. */
  readonly replaces?: string
}

export interface ListedCollections {
  present: StoredCollection[]
  /** A collection of the same name has replaced them. */
  replaced: StoredCollection[]
  /** Collections whose manifests cannot be read. */
  unread: { paths: CollectionPaths; error: VicinalError }[]
}

/**
 * Which collections a data folder has. The names of folders tell which there are. Name and uuid of a collection never
 * change, so its manifest is read once.
 */
export class FolderCatalogue {
  readonly #disk: Disk
  /** Keyed by uuid. */
  #known = new Map<string, CatalogueEntry>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  add({ uuid, name, replaces }: CatalogueEntry): void {
    this.#known.set(uuid, { uuid, name, ...(replaces === undefined ? {} : { replaces }) })
  }

  async list(): Promise<ListedCollections> {
    const folders = await listCollections(this.#disk)
    const unread: ListedCollections['unread'] = []
    const unknown = folders.filter((paths) => !this.#known.has(uuidOf(paths)))
    for (let at = 0; at < unknown.length; at += READS_AT_ONCE) {
      const reads = unknown.slice(at, at + READS_AT_ONCE).map(async (paths) => {
        await this.#read(paths).then(
          (entry) => this.add(entry),
          (cause: unknown) => unread.push({ paths, error: asVicinalError(cause) }),
        )
      })
      await Promise.all(reads)
    }
    const entries = folders.flatMap((paths) => this.#known.get(uuidOf(paths)) ?? [])
    this.#known = new Map(entries.map((entry) => [entry.uuid, entry]))
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

export function asVicinalError(cause: unknown): VicinalError {
  return cause instanceof VicinalError ? cause : new VicinalError('INTERNAL', String(cause), { cause })
}
