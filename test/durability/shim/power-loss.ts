import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../oracle/fault-random.js'
import { ROOT_FILE, type TraceEvent } from './trace.js'

/**
 * The possible contents of a disk after a power failure, by the weakest promises of POSIX:
 *
 * - A file's bytes and length are safe once the file was fsynced (or fdatasynced) after they were written.
 * - A name (created, renamed, linked, removed) is safe once its folder was fsynced after the change; a rename between
 *   two folders once either was. Syncing a file does not make its name safe, nor the other way round.
 * - All other changes may or may not be present. Each change of a name counts on its own, but changes of one name
 *   happen in order, and a rename is atomic. Each 4 KiB page of each write counts on its own, and may be torn at a
 *   512-byte sector. A file's length may have grown before its data arrived (zeros).
 *
 * `apply` follows the trace. `rebuild` writes one such state into a folder, and may be called at any point.
 */
export class PowerLossDisk {
  readonly #files = new Map<number, FileState>()
  readonly #folders = new Map<number, FolderState>([[ROOT_FILE, newFolder()]])
  /** Changes of names that no fsync covers yet, in order. */
  #pendingNames: NameChange[] = []

  apply(event: TraceEvent): void {
    switch (event.kind) {
      case 'create':
        if (!this.#files.has(event.file)) this.#files.set(event.file, { synced: new Content(), pending: [] })
        this.#change({ kind: 'add', to: this.#place(event.path), node: event.file })
        break
      case 'mkdir':
        this.#folders.set(event.file, newFolder())
        this.#change({ kind: 'add', to: this.#place(event.path), node: event.file })
        break
      case 'link':
        this.#change({ kind: 'add', to: this.#place(event.to), node: this.#node(event.from) })
        break
      case 'unlink':
      case 'rmdir':
        this.#change({ kind: 'remove', from: this.#place(event.path) })
        break
      case 'rename': {
        const node = this.#node(event.from)
        this.#change({ kind: 'move', from: this.#place(event.from), to: this.#place(event.to), node })
        break
      }
      case 'write':
        this.#file(event.file).pending.push({ offset: event.offset, data: event.data })
        break
      case 'truncate':
        this.#file(event.file).pending.push({ size: event.size })
        break
      case 'fsync':
        this.#sync(event.file)
        break
      case 'mark':
        break
    }
  }

  /** Bytes and names that a power failure could still take. */
  get unsynced(): number {
    let parts = this.#pendingNames.length
    for (const file of this.#files.values()) parts += file.pending.length
    return parts
  }

  rebuild(folder: string, choice: Choice): void {
    const names = new Map([...this.#folders].map(([file, state]) => [file, new Map(state.synced)]))
    const kept = withEarlier(this.#pendingNames, new Set(this.#pendingNames.filter(() => choice.keepName())))
    for (const change of this.#pendingNames) if (kept.has(change)) carryOut(change, (file) => names.get(file)!)
    mkdirSync(folder, { recursive: true })
    this.#write(ROOT_FILE, folder, names, choice, new Map())
  }

  #write(node: number, at: string, names: Map<number, Names>, choice: Choice, contents: Map<number, Uint8Array>): void {
    for (const [name, child] of names.get(node)!) {
      const path = join(at, name)
      if (names.has(child)) {
        mkdirSync(path, { recursive: true })
        this.#write(child, path, names, choice, contents)
      } else {
        // Two names of one file show the same content.
        const content = contents.get(child) ?? surviving(this.#file(child), choice)
        contents.set(child, content)
        writeFileSync(path, content)
      }
    }
  }

  #sync(node: number): void {
    const file = this.#files.get(node)
    if (file) {
      for (const change of file.pending) file.synced.apply(change)
      file.pending = []
      return
    }
    const covered = withEarlier(
      this.#pendingNames,
      new Set(this.#pendingNames.filter((change) => touches(change, node))),
    )
    for (const change of this.#pendingNames) if (covered.has(change)) carryOut(change, (id) => this.#folder(id).synced)
    this.#pendingNames = this.#pendingNames.filter((change) => !covered.has(change))
  }

  #change(change: NameChange): void {
    carryOut(change, (file) => this.#folder(file).live)
    this.#pendingNames.push(change)
  }

  #place(path: string): Place {
    const parts = path.split('/')
    const name = parts.pop() as string
    let folder = ROOT_FILE
    for (const part of parts) folder = this.#folder(folder).live.get(part) ?? fail(`no folder ${path}`)
    return { folder, name }
  }

  #node(path: string): number {
    const { folder, name } = this.#place(path)
    return this.#folder(folder).live.get(name) ?? fail(`no file ${path}`)
  }

  #file(file: number): FileState {
    return this.#files.get(file) ?? fail(`file ${file} was never created`)
  }

  #folder(file: number): FolderState {
    return this.#folders.get(file) ?? fail(`folder ${file} was never created`)
  }
}

const PAGE_BYTES = 4096
const SECTOR_BYTES = 512

/** The decisions of one crash about each part that was not synced. */
export interface Choice {
  keepName(): boolean
  /** For one page of one write, how many of `bytes` reach the disk; -1: none, but the file has grown (zeros). */
  keptBytes(bytes: number): number
  keepTruncation(): boolean
}

/** The two extremes, the two classical bugs (a rename ahead of its data, data without its name), and chance. */
export function choiceOf(random: Random): Choice {
  const always = { keepName: () => true, keptBytes: (bytes: number) => bytes, keepTruncation: () => true }
  const never = { keepName: () => false, keptBytes: () => 0, keepTruncation: () => false }
  const odds = random.pick([0.1, 0.5, 0.9])
  const chance: Choice = {
    keepName: () => random.chance(odds),
    keptBytes: (bytes) => {
      if (random.chance(0.1)) return random.below(Math.ceil(bytes / SECTOR_BYTES)) * SECTOR_BYTES
      if (random.chance(0.1)) return -1
      return random.chance(odds) ? bytes : 0
    },
    keepTruncation: () => random.chance(odds),
  }
  return random.pick([
    always,
    never,
    { ...never, keepName: () => true },
    { ...always, keepName: () => false },
    chance,
    chance,
    chance,
    { ...always, keptBytes: chance.keptBytes },
  ])
}

/** The disk as the running process sees it. */
export const KEEP_EVERYTHING: Choice = { keepName: () => true, keptBytes: (bytes) => bytes, keepTruncation: () => true }

type Names = Map<string, number>
interface FolderState {
  live: Names
  synced: Names
}
interface FileState {
  synced: Content
  pending: (DataWrite | { size: number })[]
}
interface DataWrite {
  offset: number
  data: Buffer
}
interface Place {
  folder: number
  name: string
}
type NameChange =
  | { kind: 'add'; to: Place; node: number }
  | { kind: 'remove'; from: Place }
  | { kind: 'move'; from: Place; to: Place; node: number }

const newFolder = (): FolderState => ({ live: new Map(), synced: new Map() })

function placesOf(change: NameChange): Place[] {
  if (change.kind === 'move') return [change.from, change.to]
  return [change.kind === 'add' ? change.to : change.from]
}

const touches = (change: NameChange, folder: number): boolean =>
  placesOf(change).some((place) => place.folder === folder)

/** Adds all earlier changes of the same names (and so on), since these cannot come later. */
function withEarlier(changes: readonly NameChange[], chosen: Set<NameChange>): Set<NameChange> {
  const names = new Set<string>()
  for (let i = changes.length - 1; i >= 0; i--) {
    const change = changes[i] as NameChange
    const keys = placesOf(change).map((place) => `${place.folder}/${place.name}`)
    if (!chosen.has(change) && !keys.some((key) => names.has(key))) continue
    chosen.add(change)
    for (const key of keys) names.add(key)
  }
  return chosen
}

function carryOut(change: NameChange, namesOf: (folder: number) => Names): void {
  if (change.kind !== 'add') namesOf(change.from.folder).delete(change.from.name)
  if (change.kind !== 'remove') namesOf(change.to.folder).set(change.to.name, change.node)
}

/** Bytes of a file that grow in place. */
class Content {
  #bytes: Buffer
  #size: number

  constructor(bytes: Uint8Array = Buffer.alloc(0)) {
    this.#bytes = Buffer.from(bytes)
    this.#size = bytes.length
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  apply(change: DataWrite | { size: number }): void {
    if ('size' in change) this.resize(change.size)
    else {
      this.grow(change.offset + change.data.length)
      change.data.copy(this.#bytes, change.offset)
    }
  }

  grow(size: number): void {
    if (size > this.#size) this.resize(size)
  }

  resize(size: number): void {
    if (size > this.#bytes.length) {
      const roomier = Buffer.alloc(size * 2)
      this.#bytes.copy(roomier, 0, 0, this.#size)
      this.#bytes = roomier
    }
    // Truncated bytes must read as zeros when the file grows again.
    this.#bytes.fill(0, Math.min(size, this.#size), Math.max(size, this.#size))
    this.#size = size
  }
}

function surviving(file: FileState, choice: Choice): Uint8Array {
  if (file.pending.length === 0) return file.synced.bytes
  const content = new Content(file.synced.bytes)
  for (const change of file.pending) {
    if ('size' in change) {
      if (choice.keepTruncation()) content.apply(change)
      continue
    }
    for (const page of pagesOf(change)) {
      const kept = wholeSectors(page, choice.keptBytes(page.data.length))
      if (kept > 0) content.apply({ offset: page.offset, data: page.data.subarray(0, kept) })
      if (kept < 0) content.grow(page.offset + page.data.length)
    }
  }
  return content.bytes
}

/** A write tears at the end of a sector, wherever in its sector it begins. */
function wholeSectors({ offset, data }: DataWrite, bytes: number): number {
  if (bytes <= 0 || bytes >= data.length) return bytes
  return Math.max(0, bytes - ((offset + bytes) % SECTOR_BYTES))
}

function* pagesOf(write: DataWrite): Iterable<DataWrite> {
  for (let at = 0; at < write.data.length; ) {
    const offset = write.offset + at
    const size = Math.min(PAGE_BYTES - (offset % PAGE_BYTES), write.data.length - at)
    yield { offset, data: write.data.subarray(at, at + size) }
    at += size
  }
}

function fail(what: string): never {
  throw new Error(`power loss: the trace is not whole: ${what}`)
}
