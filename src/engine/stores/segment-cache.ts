import { join } from 'node:path'
import { background } from '../../core/background.js'
import { Mutex } from '../../core/mutex.js'
import type { Disk, FileFacts } from '../../disk/disk.js'
import { type FileKind, readChecked, writeChecked } from '../../storage/checked-file.js'
import { LOCK_FILE, listCollections } from '../../storage/layout.js'
import { openCollections } from '../memory/open-collections.js'

/** A record of the folder for the next process: times of use, and the verified files. */
const RECORD = 'cache'
const KIND: FileKind = { magic: 'VICCACH\n', formatVersion: 1, leastReader: 1, maxBytes: 256 * 1024 * 1024 }
/** The ending of a file that is on its way. */
export const PARTIAL_SUFFIX = '.partial'
/** Names of the folder that this program makes. */
const OWN = new RegExp(`^(?:(?:c|tmp|trash)-[0-9a-f-]{36}|${RECORD}|${RECORD}\\.tmp|${LOCK_FILE.replace('.', '\\.')})$`)
const FOREIGN_TOLD = 5
/** How often the folder is looked through, for files that were made without asking for room. */
const SWEEP_EVERY_MS = 10_000
/** In between, only collections that were not used for this time are closed to make room. */
const UNUSED_MS = 60_000

interface Known {
  bytes: number
  modifiedMs: number
  usedMs: number
  isVerified: boolean
}

type Recorded = [path: string, bytes: number, modifiedMs: number, usedMs: number, isVerified: boolean]

/**
 * The folder of a node's copies of stored files, below a bound. The files of collections that are open stay, as they
 * are mapped; the others leave, the least recently used first. Before a fetch would exceed the bound, open collections
 * without a use are closed too. Open collections may still exceed the bound: a read that works is worth more than the bound.
 */
export class SegmentCache {
  readonly disk: Disk
  readonly mostBytes: number
  /** Files of segments, by path. */
  readonly #files = new Map<string, Known>()
  /** Folders whose files stay, with the number of their users. */
  readonly #held = new Map<string, number>()
  readonly #rooms = new Mutex()
  #reservedBytes = 0
  #isRecorded = true
  #sweptAtMs = 0
  /** Keeps the folder for this node. Rejects with LOCKED if another one has it. */
  readonly #keep: () => Promise<void>
  readonly #sweeping = () => this.#sweepIfDue()
  /** Names that this program did not make; they stay, and do not count. */
  foreign: readonly string[] = []

  private constructor(disk: Disk, mostBytes: number, keep: () => Promise<void>) {
    this.disk = disk
    this.mostBytes = mostBytes
    this.#keep = keep
  }

  /** Counts the files of the folder. `keep` is called before anything is made in it. */
  static async open(disk: Disk, mostBytes: number, keep: () => Promise<void>): Promise<SegmentCache> {
    const cache = new SegmentCache(disk, mostBytes, keep)
    await cache.#load()
    background.add(cache.#sweeping)
    return cache
  }

  async close(): Promise<void> {
    background.remove(this.#sweeping)
    await this.#record()
  }

  /** A sentence about files of others in the folder; null if there are none. */
  get foreignFiles(): string | null {
    if (this.foreign.length === 0) return null
    const named = this.foreign.slice(0, FOREIGN_TOLD).join(', ')
    return `the cache folder holds ${this.foreign.length} files or folders of others, which stay and do not count: ${named}`
  }

  /** Bytes of the files of segments that the folder holds, as far as is known. */
  get bytes(): number {
    let sum = 0
    for (const { bytes } of this.#files.values()) sum += bytes
    return sum
  }

  /** The folder's files stay until as many calls of `release`. */
  hold(folder: string): void {
    this.#held.set(folder, 1 + (this.#held.get(folder) ?? 0))
    this.#touch(folder)
  }

  release(folder: string): void {
    const left = (this.#held.get(folder) ?? 0) - 1
    if (left > 0) this.#held.set(folder, left)
    else this.#held.delete(folder)
    this.#touch(folder)
  }

  /** Makes the folder, even if somebody has removed the whole cache. */
  async makeFolder(folder: string): Promise<void> {
    await this.#keep()
    if (await this.disk.exists(folder)) return
    await this.disk.makeRoot()
    await this.disk.makeFolder(folder)
  }

  /** Makes room for files that are about to be fetched. Call the returned function once they are there, or will not be. */
  async admit(bytes: number): Promise<() => void> {
    await this.#keep()
    await this.#rooms.run(() => this.#makeRoom(bytes, 0))
    this.#reservedBytes += bytes
    return () => {
      this.#reservedBytes -= bytes
    }
  }

  /** Facts of a file; null if it is not there. */
  async look(path: string): Promise<FileFacts | null> {
    const facts = await this.disk.facts(path)
    if (facts) this.#note(path, facts)
    else this.#files.delete(path)
    return facts
  }

  /** Whether every byte of the file was verified, in this process or before, and it is as it was then. */
  async isVerified(path: string): Promise<boolean> {
    await this.look(path)
    return this.#files.get(path)?.isVerified === true
  }

  async noteVerified(path: string): Promise<void> {
    if (!(await this.look(path))) return
    ;(this.#files.get(path) as Known).isVerified = true
    this.#isRecorded = false
  }

  /** Removes a file that is damaged or no longer of use. */
  async drop(path: string): Promise<void> {
    await this.disk.removeFile(path)
    this.#files.delete(path)
  }

  async #makeRoom(bytes: number, unusedMs: number): Promise<void> {
    const fits = () => this.bytes + this.#reservedBytes + bytes <= this.mostBytes
    if (fits()) return
    await this.#lookThrough()
    await this.#removeUntil(fits)
    if (fits()) return
    await openCollections.closeUntil(fits, unusedMs, async () => await this.#removeUntil(fits))
  }

  /** Removes files of closed collections, the least recently used first. */
  async #removeUntil(fits: () => boolean): Promise<void> {
    const unused = [...this.#files].filter(([path]) => !this.#held.has(join(path, '..')))
    for (const [path] of unused.sort(([, a], [, b]) => a.usedMs - b.usedMs)) {
      if (fits()) return
      // A collection may have been opened meanwhile.
      if (!this.#held.has(join(path, '..'))) await this.drop(path)
    }
  }

  async #sweepIfDue(): Promise<void> {
    await this.#keep()
    const nowMs = performance.now()
    if (nowMs - this.#sweptAtMs < SWEEP_EVERY_MS) return
    this.#sweptAtMs = nowMs
    await this.#rooms.run(async () => {
      await this.#lookThrough()
      await this.#makeRoom(0, UNUSED_MS)
    })
    await this.#record()
  }

  async #load(): Promise<void> {
    // Without a record the files are verified once more; one of another format is written anew.
    const recorded = await readChecked(this.disk, RECORD, KIND).catch(() => null)
    const entries = (recorded as { files?: unknown } | null)?.files
    if (Array.isArray(entries)) {
      for (const [path, bytes, modifiedMs, usedMs, isVerified] of entries as Recorded[])
        this.#files.set(path, { bytes, modifiedMs, usedMs, isVerified })
    }
    this.foreign = (await this.disk.list('.')).map(({ name }) => name).filter((name) => !OWN.test(name))
    await this.#lookThrough(true)
  }

  /** Takes note of files that were made or removed without this class. */
  async #lookThrough(isStart = false): Promise<void> {
    const seen = new Set<string>()
    for (const { segments } of await listCollections(this.disk)) {
      for (const { name } of await this.disk.list(segments)) {
        const path = join(segments, name)
        if (isStart && name.endsWith(PARTIAL_SUFFIX)) await this.disk.removeFile(path)
        else if (await this.look(path)) seen.add(path)
      }
    }
    for (const path of this.#files.keys()) if (!seen.has(path)) this.#files.delete(path)
  }

  #note(path: string, { bytes, modifiedMs }: FileFacts): void {
    const known = this.#files.get(path)
    if (known?.bytes === bytes && known.modifiedMs === modifiedMs) return
    this.#files.set(path, { bytes, modifiedMs, usedMs: Date.now(), isVerified: false })
    this.#isRecorded = false
  }

  #touch(folder: string): void {
    const usedMs = Date.now()
    for (const [path, known] of this.#files) if (path.startsWith(`${folder}/`)) known.usedMs = usedMs
    this.#isRecorded = false
  }

  /** A record that cannot be written costs the next start some reading. */
  async #record(): Promise<void> {
    if (this.#isRecorded) return
    this.#isRecorded = true
    const files = [...this.#files].map(([path, { bytes, modifiedMs, usedMs, isVerified }]): Recorded => {
      return [path, bytes, modifiedMs, usedMs, isVerified]
    })
    await writeChecked(this.disk, RECORD, KIND, { files }).catch(() => undefined)
  }
}
