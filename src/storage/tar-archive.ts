/**
 * Archives of files: plain ustar with headers by the `tar` package. They hold regular files only. An entry of another
 * type, a repeated name, or an unexpected name is refused before anything of it is on the disk. An archive can
 * therefore not write outside its folder.
 */
import { createHash, type Hash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { Header } from 'tar'
import { invalid, VicinalError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { AppendFile } from '../disk/append-file.js'
import type { Disk } from '../disk/disk.js'
import type { ReadFile } from '../disk/read-file.js'

const BLOCK_BYTES = 512
/** Small enough that hashing one chunk does not hold up the event loop. */
const CHUNK_BYTES = 256 * 1024
const FILE_MODE = 0o600
const REGULAR = new Set(['File', 'OldFile'])

export interface WrittenArchive {
  bytes: number
  /** SHA-256 in hexadecimal digits. */
  checksum: string
}

/** Writes the files, named relative to `folder`, in the given order. The archive is then on stable storage. */
export async function writeArchive(
  disk: Disk,
  folder: string,
  names: readonly string[],
  target: string,
): Promise<WrittenArchive> {
  const archive = await disk.openAppend(target, { truncate: true })
  const hash = createHash('sha256')
  const append = async (bytes: Uint8Array) => {
    hash.update(bytes)
    await archive.append([bytes])
  }
  try {
    for (const name of names) await appendFile(disk, join(folder, name), name, append)
    await append(new Uint8Array(2 * BLOCK_BYTES))
    await archive.sync()
    return { bytes: archive.size, checksum: hash.digest('hex') }
  } finally {
    await archive.close()
  }
}

async function appendFile(
  disk: Disk,
  path: string,
  name: string,
  append: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const file = await disk.openRead(path)
  try {
    const size = await file.size()
    const header = new Header({ path: name, size, type: 'File', mode: FILE_MODE, mtime: new Date(0) })
    if (header.encode()) throw invalid('snapshot', 'expected file names that fit into a tar header', name)
    await append(header.block as Buffer)
    for (let at = 0; at < size; at += CHUNK_BYTES) {
      await append(await file.read(at, Math.min(CHUNK_BYTES, size - at)))
    }
    await append(new Uint8Array(padding(size)))
  } finally {
    await file.close()
  }
}

function padding(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES
}

/** Writes the chunks into a file on stable storage. Returns its length and checksum. */
export async function saveBytes(
  disk: Disk,
  chunks: AsyncIterable<Uint8Array>,
  target: string,
  maxBytes: number,
): Promise<WrittenArchive> {
  const file = await disk.openAppend(target, { truncate: true })
  const hash = createHash('sha256')
  try {
    for await (const chunk of chunks) await saveChunk(file, hash, chunk, maxBytes)
    await file.sync()
    return { bytes: file.size, checksum: hash.digest('hex') }
  } finally {
    await file.close()
  }
}

async function saveChunk(file: AppendFile, hash: Hash, chunk: Uint8Array, maxBytes: number): Promise<void> {
  if (file.size + chunk.byteLength > maxBytes) {
    throw new VicinalError('TOO_LARGE', `snapshot: expected at most ${maxBytes} bytes, got more`, {
      details: { field: 'snapshot', bound: maxBytes },
    })
  }
  hash.update(chunk)
  await file.append([chunk])
}

/** Length and checksum of an existing file. */
export async function checksumOf(disk: Disk, path: string): Promise<WrittenArchive> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of new FileChunks(await disk.openRead(path))) {
    hash.update(chunk)
    bytes += chunk.byteLength
  }
  return { bytes, checksum: hash.digest('hex') }
}

/**
 * A file's bytes, read once. The file is closed at its end, or when the reader stops early, even before the first byte.
 * A generator does not notice a stop before its first step.
 */
export class FileChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #file: ReadFile
  #at = 0
  #isClosed = false

  constructor(file: ReadFile) {
    this.#file = file
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isClosed) return { done: true, value: undefined }
    let chunk: Uint8Array
    try {
      chunk = await this.#file.read(this.#at, CHUNK_BYTES)
    } catch (error) {
      await this.return()
      throw error
    }
    if (chunk.byteLength === 0) return await this.return()
    this.#at += chunk.byteLength
    return { done: false, value: chunk }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#isClosed) {
      this.#isClosed = true
      await this.#file.close()
    }
    return { done: true, value: undefined }
  }
}

/**
 * Unpacks below `folder`, on stable storage. Returns the bytes of each file by name. `isExpected` decides whether a
 * file of this name is allowed; no allowed name may be a folder of another.
 */
export async function readArchive(
  disk: Disk,
  path: string,
  folder: string,
  isExpected: (name: string) => boolean,
): Promise<Map<string, number>> {
  // An existing folder might contain links.
  if (await disk.exists(folder)) throw new VicinalError('ALREADY_EXISTS', `${folder}: the folder is already there`)
  await disk.makeFolder(folder)
  const archive = await disk.openRead(path)
  const found = new Map<string, number>()
  try {
    const end = await archive.size()
    let at = 0
    for (;;) {
      const block = await archive.read(at, BLOCK_BYTES)
      if (block.length < BLOCK_BYTES) throw invalid('snapshot', 'the archive ends before its end mark', end)
      at += BLOCK_BYTES
      if (block.every((byte) => byte === 0)) break
      const { name, size } = entryOf(block, at, end, found, isExpected)
      await unpackFile(disk, archive, at, size, join(folder, name))
      found.set(name, size)
      at += size + padding(size)
    }
    await checkRest(archive, at, end)
  } finally {
    await archive.close()
  }
  await syncFolders(disk, folder, found.keys())
  return found
}

function entryOf(
  block: Buffer,
  at: number,
  end: number,
  found: ReadonlyMap<string, number>,
  isExpected: (name: string) => boolean,
): { name: string; size: number } {
  const header = headerOf(block)
  if (!header?.cksumValid || header.path === undefined) throw invalid('snapshot', 'this is no tar archive')
  const { path: name, size, type } = header
  if (!REGULAR.has(type) || header.linkpath) throw invalid('snapshot', 'expected only regular files', `${type} ${name}`)
  if (!isExpected(name)) throw invalid('snapshot', 'expected no file of such a name', name)
  if (found.has(name)) throw invalid('snapshot', 'expected each file once', name)
  if (found.size >= LIMITS.snapshotFiles) {
    throw invalid('snapshot', `expected at most ${LIMITS.snapshotFiles} files`, found.size + 1)
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || at + size > end) {
    throw invalid('snapshot', `${name}: the archive ends before this file does`, size)
  }
  return { name, size }
}

/** All folders above a file, the innermost first. */
function foldersOf(name: string): string[] {
  const above = dirname(name)
  return above === '.' ? [] : [above, ...foldersOf(above)]
}

function headerOf(block: Buffer): Header | null {
  try {
    return new Header(block)
  } catch {
    return null
  }
}

async function unpackFile(disk: Disk, archive: ReadFile, from: number, size: number, target: string): Promise<void> {
  await disk.makeFolder(dirname(target))
  const file = await disk.openAppend(target, { truncate: true })
  try {
    for (let at = 0; at < size; at += CHUNK_BYTES) {
      await file.append([await archive.read(from + at, Math.min(CHUNK_BYTES, size - at))])
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Some programs pad archives with zeros; any other byte after the end is refused. */
async function checkRest(archive: ReadFile, from: number, end: number): Promise<void> {
  for (let at = from; at < end; at += CHUNK_BYTES) {
    const rest = await archive.read(at, Math.min(CHUNK_BYTES, end - at))
    if (rest.some((byte) => byte !== 0)) throw invalid('snapshot', 'expected nothing after the end of the archive')
  }
}

async function syncFolders(disk: Disk, folder: string, names: Iterable<string>): Promise<void> {
  const folders = new Set([folder])
  for (const name of names) for (const above of foldersOf(name)) folders.add(join(folder, above))
  for (const one of folders) await disk.syncFolder(one)
}
