import type { LockHandle } from './addon.js'
import { rethrow } from './errors.js'
import { addon } from './load.js'

/** An advisory lock of the operating system on a file. It ends with `release` or with the process. */
export class FileLock {
  readonly #handle: LockHandle

  private constructor(handle: LockHandle) {
    this.#handle = handle
  }

  /** null when another holds it, in this process or elsewhere. The file is created where absent. */
  static acquire(path: string): FileLock | null {
    try {
      const handle = addon().lockFile(path)
      return handle && new FileLock(handle)
    } catch (error) {
      return rethrow(error)
    }
  }

  release(): void {
    addon().unlockFile(this.#handle)
  }
}
