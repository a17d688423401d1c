import { join } from 'node:path'
import type { Objects } from '../../bucket/objects.js'
import type { Disk } from '../../disk/disk.js'
import { PARTIAL_SUFFIX, type SegmentCache } from './segment-cache.js'

/** Bytes that are in memory of one file on its way. */
const PIECE_BYTES = 8 * 1024 * 1024

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

  /** `prefix` is the path of the objects, `folder` that of the copies. */
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
      for (const file of missing) await this.#fetchOne(file)
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

  async #fetchOne({ name, bytes }: CachedFile): Promise<void> {
    const { disk } = this.#cache
    const partial = this.#pathOf(name + PARTIAL_SUFFIX)
    await fetchObject(this.#objects, { path: `${this.#prefix}/${name}`, bytes }, disk, partial, { segment: name })
    await disk.rename(partial, this.#pathOf(name))
    await this.#cache.look(this.#pathOf(name))
    this.#kept.add(name)
  }
}

/** Writes an object into a file. Rejects with CORRUPT, and `details`, if the store has it not or not whole. */
export async function fetchObject(
  objects: Objects,
  { path, bytes }: { path: string; bytes: number },
  disk: Disk,
  target: string,
  details?: Record<string, unknown>,
): Promise<void> {
  const file = await disk.openAppend(target, { truncate: true })
  try {
    while (file.size < bytes) {
      const range = { offset: file.size, bytes: Math.min(PIECE_BYTES, bytes - file.size) }
      await file.append([await objects.readRange(path, range, details)])
    }
  } finally {
    await file.close()
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
