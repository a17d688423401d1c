import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { VicinalError } from '../core/errors.js'
import type { Disk } from '../disk/disk.js'
import { crc32c } from '../native/checksum.js'
import { type FileKind, readChecked, writeChecked } from './checked-file.js'
import { removeVersions, versionPath } from './lance-versions.js'
import { isTableFile } from './lance-wall.js'

const KIND: FileKind = { magic: 'VICSUMS\n', formatVersion: 1, leastReader: 1, maxBytes: 256 * 1024 * 1024 }
const SUMS_SUFFIX = '.sums'
/** A cache of Lance's own, which it rewrites at will and does not rely on. */
const HINT = '_versions/latest_version_hint.json'
const READ_BYTES = 1024 * 1024
/** The last bytes of Lance's files, by the ending of their names. */
const ENDINGS: Record<string, string> = { '.lance': 'LANC', '.manifest': 'LANC', '.arrow': 'ARROW1' }
const ENDING_BYTES = 8

interface FileSum {
  bytes: number
  crc: number
}

interface SumsBody {
  version: number
  /** The highest sequence number of the table's rows, or higher. */
  maxSeq: number
  files: Record<string, FileSum>
}

/**
 * The files of one Lance table. Lance neither syncs its files nor stores checksums; this class adds both. Each version
 * that the manifest may name has a file `<version>.sums` beside the table, with length and checksum of every file.
 * Lance never changes a file once it is written.
 *
 * All files are checked before Lance first reads the table in a process. Damage is therefore reported by name, and
 * never reaches a parser that may crash on it.
 */
export class LanceFiles {
  #sums = new Map<string, FileSum>()
  #maxSeq = 0
  #verified = true

  private constructor(
    private readonly disk: Disk,
    /** Folder of the table, relative to the disk. */
    private readonly table: string,
    private readonly sumsFolder: string,
    private readonly collection: string,
  ) {}

  /** The files as of a version; 0 if there is no table yet. */
  static async open(disk: Disk, table: string, collection: string, version: number): Promise<LanceFiles> {
    const files = new LanceFiles(disk, table, join(dirname(table), 'sums'), collection)
    if (version === 0) return files
    const path = files.#sumsPath(version)
    const body = (await readChecked(disk, path, KIND).catch((cause: unknown) => {
      throw (cause as VicinalError).details?.errno === 'ENOENT'
        ? files.#corrupt(path, 'the checksums of the table are missing')
        : cause
    })) as SumsBody
    if (!isBody(body)) throw files.#corrupt(path, 'these are no checksums of a table')
    if (body.version !== version)
      throw files.#corrupt(path, `expected the checksums of version ${version}, got ${body.version}`)
    files.#sums = new Map(Object.entries(body.files))
    files.#maxSeq = body.maxSeq
    files.#verified = false
    const manifest = versionPath(version)
    if (!files.#sums.has(manifest) || !(await disk.exists(join(table, manifest)))) {
      throw files.#corrupt(join(table, manifest), `the manifest of table version ${version} is missing`)
    }
    return files
  }

  get maxSeq(): number {
    return this.#maxSeq
  }

  /** Checks every file against its checksum, once. Missing files are skipped: this version does not use them. */
  async verify(): Promise<void> {
    if (this.#verified) return
    for (const [name, expected] of this.#sums) {
      const path = join(this.table, name)
      if (!(await this.disk.exists(path))) continue
      const seen = await this.#sumOf(path)
      if (seen.bytes !== expected.bytes || seen.crc !== expected.crc)
        throw this.#corrupt(path, 'the file does not match its checksum')
    }
    this.#verified = true
  }

  /**
   * For a table that comes from outside: rejects unless all its files are listed, under names that a table's files
   * have. A file under another name could be anywhere.
   */
  async checkListed(): Promise<void> {
    const stray = [...this.#sums.keys()].find((name) => !isTableFile(name))
    if (stray !== undefined) throw this.#corrupt(join(this.table, stray), 'the table has no such file')
    for (const name of await this.#present()) {
      if (!this.#sums.has(name)) throw this.#corrupt(join(this.table, name), 'the file has no checksum')
    }
  }

  /** The present files of a version, without the manifests of other versions. */
  async filesOf(version: number): Promise<string[]> {
    const manifest = versionPath(version)
    const names = [...this.#sums.keys()].filter((name) => !name.startsWith('_versions') || name === manifest)
    const present = new Set(await this.#present())
    return names.filter((name) => present.has(name))
  }

  /** Puts all files that Lance has written since the last call on stable storage, with their checksums. */
  async sync(version: number, maxSeq: number): Promise<void> {
    const folders = new Set<string>()
    const sums = new Map<string, FileSum>()
    for (const name of await this.#present()) {
      let sum = this.#sums.get(name)
      if (!sum) {
        const path = join(this.table, name)
        await this.disk.syncFile(path)
        await this.#checkEnding(path)
        sum = await this.#sumOf(path)
        folders.add(dirname(path))
      }
      sums.set(name, sum)
    }
    // A new folder is itself an entry of the folder above.
    if (folders.size > 0) folders.add(this.table)
    if (this.#sums.size === 0) folders.add(dirname(this.table))
    for (const folder of folders) await this.disk.syncFolder(folder)
    if (!(await this.disk.exists(this.sumsFolder))) {
      await this.disk.makeFolder(this.sumsFolder)
      await this.disk.syncFolder(dirname(this.sumsFolder))
    }
    const body: SumsBody = { version, maxSeq, files: Object.fromEntries(sums) }
    await writeChecked(this.disk, this.#sumsPath(version), KIND, body)
    this.#sums = sums
    this.#maxSeq = maxSeq
  }

  /**
   * Removes files written after the last sync: newer versions, files of failed commits, and leftovers of killed
   * writers. A torn version would keep Lance from opening the table.
   */
  async removeUnsynced(version: number): Promise<void> {
    if (version === 0) await this.disk.removeTree(this.table)
    // Newest first, so that a version is removed before its files.
    for (const name of (await this.#present()).sort(versionsFirst)) {
      if (!this.#sums.has(name)) await this.disk.removeFile(join(this.table, name))
    }
    for (const { name } of await this.disk.list(this.sumsFolder)) {
      if (!(versionOfSums(name) <= version)) await this.disk.removeFile(join(this.sumsFolder, name))
    }
  }

  /** Removes older versions, see `removeVersions`, and their checksums. */
  async removeOld(keepVersion: number, graceMs: number, isEmpty: () => Promise<boolean>): Promise<void> {
    await removeVersions(this.disk, this.table, keepVersion, graceMs, isEmpty)
    const present = new Set(await this.#present())
    for (const name of this.#sums.keys()) if (!present.has(name)) this.#sums.delete(name)
    for (const { name } of await this.disk.list(this.sumsFolder)) {
      const version = versionOfSums(name)
      if (Number.isNaN(version) || !present.has(versionPath(version))) {
        await this.disk.removeFile(join(this.sumsFolder, name))
      }
    }
  }

  async bytes(): Promise<number> {
    return (await this.disk.treeBytes(this.table)) + (await this.disk.treeBytes(this.sumsFolder))
  }

  async #present(): Promise<string[]> {
    return (await this.disk.files(this.table)).filter((name) => name !== HINT)
  }

  /**
   * Detects a file without its footer. Lance considers a file written although its last write failed, and commits a
   * version that nobody can read (seen with 0.31; a full disk suffices).
   */
  async #checkEnding(path: string): Promise<void> {
    const ending = Object.entries(ENDINGS).find(([suffix]) => path.endsWith(suffix))?.[1]
    if (ending === undefined) return
    const file = await this.disk.openRead(path)
    try {
      const bytes = await file.size()
      const end = await file.read(Math.max(0, bytes - ENDING_BYTES), Math.min(bytes, ENDING_BYTES))
      if (end.toString('latin1').endsWith(ending)) return
      throw new VicinalError('IO_FAILED', `${path}: a write failed, the file ends after ${bytes} bytes`, {
        details: { path, action: 'write', errno: null },
      })
    } finally {
      await file.close()
    }
  }

  async #sumOf(path: string): Promise<FileSum> {
    const file = await this.disk.openRead(path)
    try {
      const buffer = new Uint8Array(READ_BYTES)
      let bytes = 0
      let crc = 0
      for (;;) {
        const read = await file.readInto(buffer, bytes)
        crc = crc32c(buffer.subarray(0, read), crc)
        bytes += read
        if (read < READ_BYTES) return { bytes, crc }
        await nextTurn()
      }
    } finally {
      await file.close()
    }
  }

  #sumsPath(version: number): string {
    return join(this.sumsFolder, `${version}${SUMS_SUFFIX}`)
  }

  #corrupt(path: string, what: string): VicinalError {
    return new VicinalError('CORRUPT', `collection ${JSON.stringify(this.collection)}: ${path}: ${what}`, {
      details: { path, collection: this.collection },
    })
  }
}

function isBody(value: Partial<SumsBody> | null): value is SumsBody {
  return (
    Number.isSafeInteger(value?.maxSeq) &&
    typeof value?.files === 'object' &&
    value.files !== null &&
    Object.values(value.files).every((sum: FileSum | null) => typeof sum?.bytes === 'number')
  )
}

/** NaN if the name is not that of a version's checksums. */
function versionOfSums(name: string): number {
  return name.endsWith(SUMS_SUFFIX) ? Number(name.slice(0, -SUMS_SUFFIX.length)) : Number.NaN
}

function versionsFirst(a: string, b: string): number {
  const rank = (name: string) => (name.startsWith('_versions') ? 0 : 1)
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}
