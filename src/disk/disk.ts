import { constants } from 'node:fs'
import {
  access,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { VicinalError } from '../core/errors.js'
import { AppendFile } from './append-file.js'
import { ioError, isMissing } from './io-errors.js'
import { ReadFile } from './read-file.js'

/** Only the owner of the process may read the data. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
/** Error codes of file systems without hard links, or with too many links of one file. */
const LINKLESS = new Set(['EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV'])

export interface FolderEntry {
  name: string
  isFolder: boolean
}

export interface FileFacts {
  bytes: number
  modifiedMs: number
}

/**
 * The data folder. Every path is relative to it, in calls and in error messages, so that no message shows the data's
 * place on the machine. If a method promises stable storage, it also syncs the folder entry.
 */
export class Disk {
  readonly root: string

  /** A relative root is that of now: Lance takes some relative paths for addresses. */
  constructor(root: string) {
    this.root = resolve(root)
  }

  absolute(path: string): string {
    return join(this.root, path)
  }

  /** Creates a missing root on stable storage, together with the folders above it. */
  async makeRoot(): Promise<void> {
    const first = await this.#run('create folder', '.', () => mkdir(this.root, { recursive: true, mode: FOLDER_MODE }))
    if (first === undefined) return
    const made = relative(dirname(first), this.root).split(sep).length
    for (let above = 1; above <= made; above++) await this.#sync('../'.repeat(above))
  }

  /** Creates the folder and those above it up to the root, with mode 0700. Not synced. */
  async makeFolder(path: string): Promise<void> {
    // Level by level: on a full disk Node's recursive mkdir reports a missing folder.
    let made = ''
    for (const name of path.split(sep)) {
      made = join(made, name)
      await this.#run('create folder', made, (absolute) => makeUnlessThere(absolute))
    }
  }

  async exists(path: string): Promise<boolean> {
    return await access(this.absolute(path)).then(
      () => true,
      () => false,
    )
  }

  /** Names in the folder, in order; none if the folder does not exist. */
  async list(path: string): Promise<FolderEntry[]> {
    try {
      const entries = await readdir(this.absolute(path), { withFileTypes: true })
      return entries
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    } catch (cause) {
      if (isMissing(cause)) return []
      throw ioError(cause, 'list', path)
    }
  }

  /** Every file below the folder, as paths relative to it. Files that vanish meanwhile are left out. */
  async files(path: string): Promise<string[]> {
    const found: string[] = []
    for (const entry of await this.list(path)) {
      if (!entry.isFolder) found.push(entry.name)
      else for (const file of await this.files(join(path, entry.name))) found.push(join(entry.name, file))
    }
    return found
  }

  /** Bytes of all files below the folder. */
  async treeBytes(path: string): Promise<number> {
    let total = 0
    for (const file of await this.files(path)) total += (await this.facts(join(path, file)))?.bytes ?? 0
    return total
  }

  async facts(path: string): Promise<FileFacts | null> {
    try {
      const found = await stat(this.absolute(path))
      return { bytes: found.size, modifiedMs: found.mtimeMs }
    } catch (cause) {
      if (isMissing(cause)) return null
      throw ioError(cause, 'look at', path)
    }
  }

  /** Reads the whole file. A file above `maxBytes` is CORRUPT, because its writer keeps to the same bound. */
  async readFile(path: string, maxBytes: number): Promise<Buffer> {
    const file = await this.openRead(path)
    try {
      const bytes = await file.size()
      if (bytes > maxBytes) {
        throw new VicinalError('CORRUPT', `${path}: expected at most ${maxBytes} bytes, got ${bytes}`, {
          details: { path },
        })
      }
      return await file.read(0, bytes)
    } finally {
      await file.close()
    }
  }

  /**
   * Replaces a file, or creates it, on stable storage. At any moment, and after any crash, the path leads to the whole
   * old or the whole new content.
   */
  async replaceFile(path: string, content: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`
    try {
      const file = await this.openAppend(temporary, { truncate: true })
      try {
        await file.append([content])
        await file.sync()
      } finally {
        await file.close()
      }
      await this.rename(temporary, path)
    } catch (cause) {
      await this.removeFile(temporary).catch(() => undefined)
      throw cause
    }
    await this.syncFolder(dirname(path))
  }

  /** Opens a file for appending at its end; creates a missing file. */
  async openAppend(path: string, options: { truncate?: boolean } = {}): Promise<AppendFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | (options.truncate ? constants.O_TRUNC : 0)
    const handle = await this.#open(path, flags)
    try {
      const { size } = await handle.stat()
      return new AppendFile(handle, path, size)
    } catch (cause) {
      await handle.close().catch(() => undefined)
      throw ioError(cause, 'open', path)
    }
  }

  /** With `plain` a symbolic link is refused, because programs other than the database may write there. */
  async openRead(path: string, options: { plain?: boolean } = {}): Promise<ReadFile> {
    const flags = constants.O_RDONLY | (options.plain ? constants.O_NOFOLLOW : 0)
    return new ReadFile(await this.#open(path, flags), path)
  }

  /** Makes a hard link of a file that no longer changes, or a copy if the file system has no links. Not synced. */
  async linkFile(from: string, to: string): Promise<void> {
    await this.#run('link', from, async (absolute) => {
      const target = this.absolute(to)
      await link(absolute, target).catch(async (cause: NodeJS.ErrnoException) => {
        if (!LINKLESS.has(cause.code ?? '')) throw cause
        await copyFile(absolute, target, constants.COPYFILE_EXCL)
      })
    })
  }

  async syncFile(path: string): Promise<void> {
    await this.#sync(path)
  }

  /** Makes names in the folder durable that were created, renamed or removed before the call. */
  async syncFolder(path: string): Promise<void> {
    await this.#sync(path)
  }

  /** Durable once the folder, or both folders, are synced. */
  async rename(from: string, to: string): Promise<void> {
    await this.#run('rename', from, (absolute) => rename(absolute, this.absolute(to)))
  }

  /** Removes the file if it exists. Resolves to whether it existed. */
  async removeFile(path: string): Promise<boolean> {
    try {
      await unlink(this.absolute(path))
      return true
    } catch (cause) {
      if (!isMissing(cause)) throw ioError(cause, 'remove', path)
      return false
    }
  }

  async removeTree(path: string): Promise<void> {
    await this.#run('remove', path, (absolute) => rm(absolute, { recursive: true, force: true, maxRetries: 2 }))
  }

  /** Bytes that an unprivileged writer may still use on the data's file system. */
  async freeBytes(): Promise<number> {
    return await this.#run('read the file system of', '.', async (absolute) => {
      const facts = await statfs(absolute)
      return facts.bavail * facts.bsize
    })
  }

  /** Percentage in use on the data's file system, of the bytes that an unprivileged writer may use. */
  async usedPercent(): Promise<number> {
    return await this.#run('read the file system of', '.', async (absolute) => {
      const { blocks, bfree, bavail } = await statfs(absolute)
      const used = blocks - bfree
      return used + bavail === 0 ? 100 : (used / (used + bavail)) * 100
    })
  }

  async #sync(path: string): Promise<void> {
    const handle = await this.#open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } catch (cause) {
      throw ioError(cause, 'sync', path)
    } finally {
      await handle.close().catch(() => undefined)
    }
  }

  async #open(path: string, flags: number): Promise<FileHandle> {
    return await this.#run('open', path, (absolute) => open(absolute, flags, FILE_MODE))
  }

  async #run<T>(action: string, path: string, work: (absolute: string) => Promise<T>): Promise<T> {
    try {
      return await work(this.absolute(path))
    } catch (cause) {
      throw ioError(cause, action, path)
    }
  }
}

async function makeUnlessThere(absolute: string): Promise<void> {
  try {
    await mkdir(absolute, { mode: FOLDER_MODE })
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(absolute)).isDirectory()
    if (!isThere) throw cause
  }
}
