import { join } from 'node:path'
import type { Clock } from '../core/clock.js'
import type { Disk } from '../disk/disk.js'
import type { SegmentEntry } from './manifest.js'

/** The end of a payload index's file; what stands before it is that of the segment file it is of. */
const INDEX_OF_SEGMENT = /-[0-9a-f]{8}\.vidx$/

/** A reader that has just read the manifest gets this long to open the files it names. */
export const READER_GRACE_MS = 60_000

/**
 * Removes segment files that the manifest no longer names, and payload indexes of such. While a writer runs, a file goes `graceMs` after it
 * was first seen unnamed, so that a reader may still open what its manifest named; mapped files stay
 * readable for those who have them open.
 */
export class SegmentJanitor {
  readonly #unnamedSinceMs = new Map<string, number>()

  constructor(
    private readonly disk: Disk,
    /** Folder of the segments, relative to the disk. */
    private readonly folder: string,
    private readonly clock: Clock,
  ) {}

  async sweep(named: readonly SegmentEntry[], graceMs = READER_GRACE_MS): Promise<void> {
    const kept = new Set(named.flatMap(({ file, overlay }) => (overlay ? [file, overlay.file] : [file])))
    const isKept = (name: string) => kept.has(name) || kept.has(name.replace(INDEX_OF_SEGMENT, '.vseg'))
    const nowMs = this.clock.monotonicMs()
    for (const { name } of await this.disk.list(this.folder)) {
      if (isKept(name)) {
        this.#unnamedSinceMs.delete(name)
        continue
      }
      const sinceMs = this.#unnamedSinceMs.get(name) ?? nowMs
      this.#unnamedSinceMs.set(name, sinceMs)
      if (nowMs - sinceMs < graceMs) continue
      await this.disk.removeFile(join(this.folder, name))
      this.#unnamedSinceMs.delete(name)
    }
  }
}
