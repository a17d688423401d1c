import type { Clock } from '../../core/clock.js'
import { Mutex } from '../../core/mutex.js'
import type { Disk } from '../../disk/disk.js'
import type { Shard } from '../../native/shard.js'
import { SegmentJanitor } from '../../storage/janitor.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import { keepQueries } from './kept-queries.js'
import type { OutdatedSegments } from './outdated-segments.js'

/** On close, rows not yet in a segment file are worth one when the next open would otherwise link so many again. */
const CLOSE_CHECKPOINT_ROWS = 1_000

export interface CheckpointerParts {
  readonly shard: Shard
  manifest: ManifestFile
  disk: Disk
  /** Folder of the segment files, relative to the disk. */
  folder: string
  /** File of callers' queries. */
  queries: string
  clock: Clock
  outdated: OutdatedSegments
  flush(): Promise<void>
}

/** Has the kernel write its segments, names them in the manifest, and removes the files that no longer count. */
export class Checkpointer {
  readonly #parts: CheckpointerParts
  readonly #janitor: SegmentJanitor
  #running: Promise<void> | null = null
  readonly #mutex = new Mutex()

  constructor(parts: CheckpointerParts) {
    this.#parts = parts
    this.#janitor = new SegmentJanitor(parts.disk, parts.folder, parts.clock)
  }

  /** Removes segment files that no reader can be about to open any more. */
  async sweep(graceMs?: number): Promise<void> {
    if (!this.#running) await this.#janitor.sweep(this.#parts.manifest.current.segments, graceMs)
  }

  async checkpoint(): Promise<void> {
    this.#running ??= this.exclusively(() => this.#checkpointOnce()).finally(() => {
      this.#running = null
    })
    await this.#running
  }

  /** Runs work while no checkpoint is being made. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await this.#mutex.run(work)
  }

  async checkpointIfWorthIt(): Promise<void> {
    const stats = this.#parts.shard.stats()
    const grown = stats.segments.reduce((sum, segment) => sum + segment.rows - segment.checkpointedRows, 0)
    // With a few more rows it would be a whole file, for the sake of what the next open measures by itself.
    const isMeasuredAnew = grown === 0 && stats.segments.some(({ measuredAnew }) => measuredAnew)
    if (grown >= CLOSE_CHECKPOINT_ROWS || isMeasuredAnew) await this.checkpoint()
  }

  async #checkpointOnce(): Promise<void> {
    const { shard, manifest, disk, folder, outdated } = this.#parts
    const { throughSeq, segments } = await shard.checkpoint(disk.absolute(folder))
    await disk.syncFolder(folder)
    // Segments never get ahead of the table: a replay must not skip, as already there, what the table lacks.
    await this.#parts.flush()
    // What is outdated is asked in turn: a change of the configuration may be on its way to the manifest.
    await manifest.update(() => {
      const named = segments.map(({ segment, file, bytes, crc, overlay }) => {
        return { file, bytes, crc, overlay, ...(outdated.has(segment) ? { outdated: true } : {}) }
      })
      return { checkpointSeq: throughSeq, segments: named }
    })
    await this.#janitor.sweep(segments)
    await this.keepQueries()
  }

  /** For the next process. Should it fail, that one measures on what it is asked itself. */
  async keepQueries(): Promise<void> {
    const { shard, manifest, disk, queries } = this.#parts
    await keepQueries(shard, manifest.current.config.vectors, disk, queries).catch(() => undefined)
  }
}
