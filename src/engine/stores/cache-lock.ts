import { VicinalError } from '../../core/errors.js'
import type { Disk } from '../../disk/disk.js'
import { FileLock } from '../../native/lock.js'
import { LOCK_FILE } from '../../storage/layout.js'

/**
 * Keeps a cache folder for one node. The lock is on a file, and somebody may remove the whole folder: then the file is made
 * and locked again, unless another node has been faster.
 */
export class CacheLock {
  readonly #disk: Disk
  #lock: FileLock | null = null
  #keeping: Promise<void> | null = null
  /** Time of the file that is locked: another file of its name has another one. */
  #madeMs = 0

  private constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Rejects with LOCKED if another node has the folder, in this process or elsewhere. */
  static async acquire(disk: Disk): Promise<CacheLock> {
    const lock = new CacheLock(disk)
    await lock.keep()
    return lock
  }

  /** Locks the folder again if somebody has removed its file. Rejects with LOCKED if another node has it. */
  async keep(): Promise<void> {
    this.#keeping ??= this.#keep().finally(() => {
      this.#keeping = null
    })
    await this.#keeping
  }

  async #keep(): Promise<void> {
    if (this.#lock && (await this.#disk.facts(LOCK_FILE))?.modifiedMs === this.#madeMs) return
    await this.#disk.makeRoot()
    const lock = FileLock.acquire(this.#disk.absolute(LOCK_FILE))
    if (!lock) throw takenBy(this.#disk.absolute('.'))
    this.#lock?.release()
    this.#lock = lock
    this.#madeMs = (await this.#disk.facts(LOCK_FILE))?.modifiedMs ?? 0
  }

  release(): void {
    this.#lock?.release()
    this.#lock = null
  }
}

function takenBy(folder: string): VicinalError {
  return new VicinalError(
    'LOCKED',
    `cache: another node uses the folder ${folder}: expected one that no other node has`,
    { details: { field: 'cache' } },
  )
}
