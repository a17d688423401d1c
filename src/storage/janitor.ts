import { join } from 'node:path'
import type { Clock } from '../core/clock.js'
import type { Disk } from '../disk/disk.js'
import type { SegmentEntry } from './manifest.js'

/** The end of a payload index's file; what stands before it is that of the segment file it is of. */
const INDEX_OF_SEGMENT = /-[0-9a-f]{8}\.vidx$/

/** A reader that has just read the manifest gets this long to open the files it names. */
export const READER_GRACE_MS = 60_000

/** Where files that nothing names take more than the named ones, those beyond get this long. A reader then begins anew. */
const SHORT_GRACE_MS = 10_000
/** So many bytes of them are not worth a reader's second attempt. */
const LEAST_UNNAMED_BYTES = 32 * 1024 * 1024

interface Unnamed {
  name: string
  sinceMs: number
}

/**
 * Removes segment files that the manifest no longer names, and payload indexes of such. While a writer runs, a file goes `graceMs` after it
 * was first seen unnamed, so that a reader may still open what its manifest named; mapped files stay
 * readable for those who have them open. Under a load that replaces segments all the time, the oldest go sooner.
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
    const most = Math.max(LEAST_UNNAMED_BYTES, sumOf(named.map(({ bytes }) => bytes)))
    let bytes = 0
    for (const { name, sinceMs } of await this.#unnamed(named)) {
      const path = join(this.folder, name)
      bytes += (await this.disk.facts(path))?.bytes ?? 0
      const graceOfFileMs = bytes > most ? Math.min(graceMs, SHORT_GRACE_MS) : graceMs
      if (this.clock.monotonicMs() - sinceMs < graceOfFileMs) continue
      await this.disk.removeFile(path)
      this.#unnamedSinceMs.delete(name)
    }
  }

  /** Those that were named last come first. */
  async #unnamed(named: readonly SegmentEntry[]): Promise<Unnamed[]> {
    const kept = new Set(named.flatMap(({ file, overlay }) => (overlay ? [file, overlay.file] : [file])))
    const isKept = (name: string) => kept.has(name) || kept.has(name.replace(INDEX_OF_SEGMENT, '.vseg'))
    const nowMs = this.clock.monotonicMs()
    const unnamed: Unnamed[] = []
    for (const { name } of await this.disk.list(this.folder)) {
      if (isKept(name)) {
        this.#unnamedSinceMs.delete(name)
        continue
      }
      const sinceMs = this.#unnamedSinceMs.get(name) ?? nowMs
      this.#unnamedSinceMs.set(name, sinceMs)
      unnamed.push({ name, sinceMs })
    }
    return unnamed.sort((a, b) => b.sinceMs - a.sinceMs)
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
