import { join } from 'node:path'
import type { Clock } from '../core/clock.js'
import type { Disk } from '../disk/disk.js'
import type { SegmentEntry } from './manifest.js'

/** The ending of a payload index's file. The part before it is the name of its segment file. */
const INDEX_OF_SEGMENT = /-[0-9a-f]{8}\.vidx$/

/** Time for a reader that has just read the manifest to open the files it names. */
export const READER_GRACE_MS = 60_000

/**
 * Grace period of the excess while unnamed files take more bytes than named ones. A reader that loses a file starts
 * over.
 */
const SHORT_GRACE_MS = 10_000
/** Fewer unnamed bytes than this are kept for the full period, to save a reader's second attempt. */
const LEAST_UNNAMED_BYTES = 32 * 1024 * 1024

interface Unnamed {
  name: string
  sinceMs: number
}

/**
 * Removes segment files that the manifest no longer names, and their payload indexes. While a writer runs, a file is
 * removed `graceMs` after it was first seen unnamed. A reader can therefore still open the files of its manifest.
 * Mapped files stay readable for processes that have them open. If segments are replaced all the time, the oldest files
 * go sooner.
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

  /** Unnamed files, the most recently named first. */
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
