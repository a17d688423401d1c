import { LIMITS } from '../../core/limits.js'
import { Disk } from '../../disk/disk.js'
import { removeLeftovers } from '../../storage/layout.js'
import { CacheLock } from './cache-lock.js'
import { SegmentCache } from './segment-cache.js'

/**
 * The folder of a node's copies. One node at a time has it: two would remove each other's files. A node that changes its
 * role has two stores on it for a moment.
 */
export class CacheFolder {
  readonly segments: SegmentCache
  readonly #lock: CacheLock
  #holders = 1

  private constructor(segments: SegmentCache, lock: CacheLock) {
    this.segments = segments
    this.#lock = lock
  }

  /** Makes a missing folder. Rejects with LOCKED if another node has it, in this process or elsewhere. */
  static async open(path: string, mostBytes = LIMITS.cacheBytes): Promise<CacheFolder> {
    const disk = new Disk(path)
    const lock = await CacheLock.acquire(disk)
    try {
      await removeLeftovers(disk)
      return new CacheFolder(await SegmentCache.open(disk, mostBytes, () => lock.keep()), lock)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** One more holder, which releases it as well. */
  hold(): CacheFolder {
    this.#holders++
    return this
  }

  async release(): Promise<void> {
    if (--this.#holders > 0) return
    await this.segments.close()
    this.#lock.release()
  }
}
