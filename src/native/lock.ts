import type { LockHandle } from './addon.js'
import { addon, rethrow } from './load.js'

/** An advisory lock of the operating system on a file. It ends with `release` or with the process. */
export class FileLock {
  readonly #handle: LockHandle

  private constructor(handle: LockHandle) {
    this.#handle = handle
  }

  /** null if another holder has the lock, in this process or elsewhere. A missing file is created. */
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
