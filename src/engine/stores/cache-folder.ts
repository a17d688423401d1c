import { VicinalError } from '../../core/errors.js'
import { Disk } from '../../disk/disk.js'
import { FileLock } from '../../native/lock.js'
import { LOCK_FILE } from '../../storage/layout.js'

/**
 * The folder of a node's copies. One node at a time has it: two would remove each other's files. A node that changes its
 * role has two stores on it for a moment.
 */
export class CacheFolder {
  readonly disk: Disk
  readonly #lock: FileLock
  #holders = 1

  private constructor(disk: Disk, lock: FileLock) {
    this.disk = disk
    this.#lock = lock
  }

  /** Makes a missing folder. Rejects with LOCKED if another node has it, in this process or elsewhere. */
  static async open(path: string): Promise<CacheFolder> {
    const disk = new Disk(path)
    await disk.makeRoot()
    const lock = FileLock.acquire(disk.absolute(LOCK_FILE))
    if (!lock)
      throw new VicinalError(
        'LOCKED',
        `cache: another node uses the folder ${path}: expected one that no other node has`,
        {
          details: { field: 'cache' },
        },
      )
    return new CacheFolder(disk, lock)
  }

  /** One more holder, which releases it as well. */
  hold(): CacheFolder {
    this.#holders++
    return this
  }

  release(): void {
    if (--this.#holders === 0) this.#lock.release()
  }
}
