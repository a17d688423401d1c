import type { Clock } from '../../core/clock.js'
import { diskBytes } from '../../core/disk-bytes.js'
import { Mutex } from '../../core/mutex.js'
import { workTimes } from '../../core/work-times.js'
import type { Shard } from '../../native/shard.js'
import { SegmentJanitor } from '../../storage/janitor.js'
import type { ManifestFile } from '../catalogue/manifest-file.js'
import type { CollectionHome } from './collection-home.js'
import { keepQueries } from './kept-queries.js'

/** On close, a checkpoint is written if the next open would otherwise link at least this many rows again. */
const CLOSE_CHECKPOINT_ROWS = 1_000

export interface CheckpointerParts {
  readonly shard: Shard
  manifest: ManifestFile
  home: CollectionHome
  clock: Clock
  outdated: OutdatedSegments
  flush(): Promise<void>
}

/** Makes the kernel write its segments, names them in the manifest, and removes files that are no longer named. */
export class Checkpointer {
  readonly #parts: CheckpointerParts
  readonly #janitor: SegmentJanitor
  #running: Promise<void> | null = null
  readonly #mutex = new Mutex()

  constructor(parts: CheckpointerParts) {
    this.#parts = parts
    this.#janitor = new SegmentJanitor(parts.home.disk, parts.home.paths.segments, parts.clock)
  }

  /** Removes segment files that no reader can still be about to open. */
  async sweep(graceMs?: number): Promise<void> {
    if (!this.#running) await this.#janitor.sweep(this.#parts.manifest.current.segments, graceMs)
    await this.measureDisk()
  }

  async measureDisk(): Promise<void> {
    const { home, manifest } = this.#parts
    const { disk, paths } = home
    const bytes = async (path: string) => ((await disk.exists(path)) ? await disk.treeBytes(path) : 0)
    const [log, table, segments] = await Promise.all([paths.log, paths.table, paths.segments].map(bytes))
    diskBytes.set(manifest.current.name, { log: log ?? 0, table: table ?? 0, segments: segments ?? 0 })
  }

  async checkpoint(): Promise<void> {
    const facts = { collection: this.#parts.manifest.current.name }
    const once = () => workTimes.time('checkpoint', facts, () => this.#checkpointOnce())
    this.#running ??= this.exclusively(once).finally(() => {
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
    // With a few more rows the checkpoint would write a whole file, only to save the next open a measurement.
    const isMeasuredAnew = grown === 0 && stats.segments.some(({ measuredAnew }) => measuredAnew)
    if (grown >= CLOSE_CHECKPOINT_ROWS || isMeasuredAnew) await this.checkpoint()
  }

  async #checkpointOnce(): Promise<void> {
    const { shard, manifest, home, outdated } = this.#parts
    await home.prepare()
    const { throughSeq, segments } = await shard.checkpoint(home.disk.absolute(home.paths.segments))
    await home.keepSegments(segments)
    // Segments never get ahead of the table: a replay would skip rows as present that the table lacks.
    await this.#parts.flush()
    // `outdated` is read in the manifest's turn, because a change of the configuration may be about to be written.
    await manifest.update(() => {
      const named = segments.map(({ segment, file, bytes, crc, overlay }) => {
        return { file, bytes, crc, overlay, ...(outdated.has(segment) ? { outdated: true } : {}) }
      })
      return { checkpointSeq: throughSeq, segments: named }
    })
    await this.#janitor.sweep(segments)
    await this.measureDisk()
    await this.keepQueries()
  }

  /**
   * Keeps queries for the next process. If that fails, the next process measures on the queries that it gets itself.
   */
  async keepQueries(): Promise<void> {
    const { shard, manifest, home } = this.#parts
    await keepQueries(shard, manifest.current.config.vectors, home.disk, home.paths.queries).catch(() => undefined)
  }
}

/**
 * The segments of a shard that were built for an earlier configuration: all up to a number. Segments are numbered in
 * the order in which they were made.
 */
export class OutdatedSegments {
  #through = -1
  readonly #others = new Set<number>()

  /**
   * Marks all segments up to a number. The returned function takes the mark back. It then marks the segments made
   * since, up to `made`, because they were built for the configuration that was taken back.
   */
  mark(through: number): (made: number) => void {
    const before = this.#through
    this.#through = Math.max(before, through)
    return (made) => {
      this.#through = before
      this.markBetween(through, made)
    }
  }

  /** Marks the segments above one number, up to another. */
  markBetween(after: number, through: number): void {
    for (let segment = after + 1; segment <= through; segment++) this.#others.add(segment)
  }

  /** Marks one segment for merging into another, regardless of its configuration. */
  markOne(segment: number): void {
    this.#others.add(segment)
  }

  has(segment: number): boolean {
    return segment <= this.#through || this.#others.has(segment)
  }
}
