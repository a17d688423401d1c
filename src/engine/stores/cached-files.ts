import { join } from 'node:path'
import type { Objects } from '../../bucket/objects.js'
import type { Disk } from '../../disk/disk.js'
import { PARTIAL_SUFFIX, type SegmentCache } from './segment-cache.js'

/** Bytes that are in memory of one file on its way to the store. */
const PIECE_BYTES = 8 * 1024 * 1024
/** Bytes of one read, and the reads that are under way at a time: both together are in memory while files are fetched. */
const READ_BYTES = 4 * 1024 * 1024
const READS_AT_ONCE = 8

export interface CachedFile {
  name: string
  bytes: number
}

/** Files of one collection that the store keeps and a cache has copies of. A file never changes under its name. */
export class CachedFiles {
  readonly #objects: Objects
  readonly #prefix: string
  readonly #cache: SegmentCache
  readonly #folder: string
  /** Names that the store has. */
  readonly #kept = new Set<string>()

  /** `prefix` is the path of the objects, `folder` the path of the copies. */
  constructor(objects: Objects, prefix: string, cache: SegmentCache, folder: string) {
    this.#objects = objects
    this.#prefix = prefix
    this.#cache = cache
    this.#folder = folder
  }

  /** Makes the folder hold a copy of each file. Rejects with CORRUPT, and `segment`, if the store has one not or not whole. */
  async fetch(files: readonly CachedFile[]): Promise<void> {
    await this.#cache.makeFolder(this.#folder)
    const missing: CachedFile[] = []
    for (const file of files) {
      const copy = await this.#cache.look(this.#pathOf(file.name))
      if (copy?.bytes === file.bytes) this.#kept.add(file.name)
      else missing.push(file)
    }
    if (missing.length === 0) return
    const release = await this.#cache.admit(missing.reduce((sum, { bytes }) => sum + bytes, 0))
    try {
      await this.#fetchAll(missing)
    } finally {
      release()
    }
  }

  /** Makes the store hold each of these files of the folder. */
  async keep(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (this.#kept.has(name)) continue
      await this.#objects.writePieces(`${this.#prefix}/${name}`, filePieces(this.#cache.disk, this.#pathOf(name)))
      this.#kept.add(name)
      await this.#cache.look(this.#pathOf(name))
    }
  }

  /** Whether every byte of the copies was verified, and they have not changed since. */
  async areVerified(names: readonly string[]): Promise<boolean> {
    for (const name of names) if (!(await this.#cache.isVerified(this.#pathOf(name)))) return false
    return true
  }

  async noteVerified(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#cache.noteVerified(this.#pathOf(name))
  }

  /** Fetches the files again, whatever the folder has. */
  async refetch(files: readonly CachedFile[]): Promise<void> {
    for (const { name } of files) await this.#cache.drop(this.#pathOf(name))
    await this.fetch(files)
  }

  #pathOf(name: string): string {
    return join(this.#folder, name)
  }

  async #fetchAll(files: readonly CachedFile[]): Promise<void> {
    const wanted = files.map(({ name, bytes }) => ({
      path: `${this.#prefix}/${name}`,
      bytes,
      target: this.#pathOf(name + PARTIAL_SUFFIX),
      details: { segment: name },
    }))
    const { disk } = this.#cache
    await fetchObjects(this.#objects, wanted, disk, async ({ target, details }) => {
      const path = this.#pathOf(details.segment)
      await disk.rename(target, path)
      await this.#cache.look(path)
      this.#kept.add(details.segment)
    })
  }
}

/** An object, and the file that it is written into. */
export interface FetchedObject {
  path: string
  bytes: number
  target: string
  /** Of an error. */
  details?: Record<string, unknown>
}

/**
 * Writes objects into files, and calls `onWhole` after each. Several reads are under way at a time, of one object or of
 * several; their bytes are written in order. Rejects with CORRUPT and `details` if an object is missing or incomplete.
 */
export async function fetchObjects<T extends FetchedObject>(
  objects: Pick<Objects, 'readRange'>,
  wanted: readonly T[],
  disk: Disk,
  onWhole: (one: T) => Promise<void> = async () => {},
): Promise<void> {
  const reads = readsAhead(objects, wanted)
  try {
    for (const one of wanted) {
      const file = await disk.openAppend(one.target, { truncate: true })
      try {
        while (file.size < one.bytes) await file.append([(await reads.next()).value as Uint8Array])
      } finally {
        await file.close()
      }
      await onWhole(one)
    }
  } finally {
    await reads.return(undefined)
  }
}

/** All pieces of the objects in their order. */
async function* readsAhead(
  objects: Pick<Objects, 'readRange'>,
  wanted: readonly FetchedObject[],
): AsyncGenerator<Uint8Array, void> {
  const underWay: Promise<Uint8Array>[] = []
  try {
    for (const { path, bytes, details } of wanted) {
      for (let offset = 0; offset < bytes; offset += READ_BYTES) {
        underWay.push(objects.readRange(path, { offset, bytes: Math.min(READ_BYTES, bytes - offset) }, details))
        underWay.at(-1)?.catch(() => undefined)
        if (underWay.length === READS_AT_ONCE) yield await (underWay.shift() as Promise<Uint8Array>)
      }
    }
    for (let next = underWay.shift(); next; next = underWay.shift()) yield await next
  } finally {
    await Promise.allSettled(underWay)
  }
}

/** Bytes of an object, piece by piece. */
export async function* objectPieces(objects: Objects, path: string, bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += PIECE_BYTES)
    yield await objects.readRange(path, { offset: at, bytes: Math.min(PIECE_BYTES, bytes - at) })
}

/** Bytes of a file, piece by piece. */
export async function* filePieces(disk: Disk, path: string): AsyncGenerator<Uint8Array> {
  const file = await disk.openRead(path)
  try {
    const size = await file.size()
    for (let at = 0; at < size; at += PIECE_BYTES) yield await file.read(at, Math.min(PIECE_BYTES, size - at))
  } finally {
    await file.close()
  }
}
