import { join } from 'node:path'
import type { Disk } from '../disk/disk.js'
import type { Objects } from './objects.js'

/** Bytes that are in memory of one file on its way. */
const PIECE_BYTES = 8 * 1024 * 1024
const PARTIAL_SUFFIX = '.partial'

export interface CachedFile {
  name: string
  bytes: number
}

/** Files of one collection that the store keeps and a local folder has copies of. A file never changes under its name. */
export class CachedFiles {
  readonly #objects: Objects
  readonly #prefix: string
  readonly #disk: Disk
  readonly #folder: string
  /** Names that the store has. */
  readonly #kept = new Set<string>()

  /** `prefix` is the path of the objects, `folder` that of the copies. */
  constructor(objects: Objects, prefix: string, disk: Disk, folder: string) {
    this.#objects = objects
    this.#prefix = prefix
    this.#disk = disk
    this.#folder = folder
  }

  /** Makes the folder hold a copy of each file. Rejects with UNAVAILABLE if the store has one of them no more. */
  async fetch(files: readonly CachedFile[]): Promise<void> {
    if (!(await this.#disk.exists(this.#folder))) await this.#disk.makeFolder(this.#folder)
    for (const file of files) {
      const copy = await this.#disk.facts(join(this.#folder, file.name))
      if (copy?.bytes !== file.bytes) await this.#fetchOne(file)
      this.#kept.add(file.name)
    }
  }

  /** Makes the store hold each of these files of the folder. */
  async keep(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (this.#kept.has(name)) continue
      await this.#objects.writePieces(`${this.#prefix}/${name}`, this.#piecesOf(name))
      this.#kept.add(name)
    }
  }

  async #fetchOne({ name, bytes }: CachedFile): Promise<void> {
    const partial = join(this.#folder, name + PARTIAL_SUFFIX)
    const file = await this.#disk.openAppend(partial, { truncate: true })
    try {
      while (file.size < bytes) {
        const range = { offset: file.size, bytes: Math.min(PIECE_BYTES, bytes - file.size) }
        await file.append([await this.#objects.readRange(`${this.#prefix}/${name}`, range)])
      }
    } finally {
      await file.close()
    }
    await this.#disk.rename(partial, join(this.#folder, name))
  }

  async *#piecesOf(name: string): AsyncGenerator<Uint8Array> {
    const file = await this.#disk.openRead(join(this.#folder, name))
    try {
      const size = await file.size()
      for (let at = 0; at < size; at += PIECE_BYTES) yield await file.read(at, Math.min(PIECE_BYTES, size - at))
    } finally {
      await file.close()
    }
  }
}
