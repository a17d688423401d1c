import { background } from '../../core/background.js'
import type { Clock } from '../../core/clock.js'
import { diskBytes } from '../../core/disk-bytes.js'
import { VicinalError } from '../../core/errors.js'
import { Mutex } from '../../core/mutex.js'
import { workTimes } from '../../core/work-times.js'
import type { ShardStats } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import { freezeIfLarge, unspilledBytes, unspilledRows } from '../memory/unspilled-rows.js'
import type { Checkpointer, OutdatedSegments } from './checkpointer.js'
import { type FlushParts, isFlushDue } from './flush-bounds.js'

/** Rows moved in one step of a compaction. It waits for the graph above this backlog of unlinked vectors. */
const MOVE_ROWS = 2_000
const MOVE_BACKLOG_BYTES = 16 * 1024 * 1024
const BACKLOG_POLL_MS = 20
/**
 * Callers' queries whose recall is measured in one tick, at most. Each takes a scan on a thread of low priority, which
 * stops after a twentieth of the tick.
 */
const MEASURED_QUERIES = 16
const HOUSEKEEPING_MS = 30_000
/** When memory is short, fewer rows than this are not worth a file. */
const LEAST_SPILL_ROWS = 100
const RETRY_FIRST_MS = 1_000
const RETRY_MOST_MS = 30_000
/** Share of deleted rows above which a segment's live rows are moved and the segment is dropped. */
const COMPACT_DELETED_SHARE = 0.2
/** Smaller segments are not compacted: scanning their dead rows costs less than moving the live ones. */
const COMPACT_MIN_ROWS = 1_000
/**
 * A checkpoint rewrites the active segment. It waits until the segment grew by this share, so each byte is written only
 * a few times.
 */
const CHECKPOINT_GROWTH_SHARE = 0.5
const CHECKPOINT_MIN_ROWS = 20_000
/** A quiet collection gets its checkpoint sooner, so that the next open maps the graphs that this process built. */
const IDLE_MS = 5_000
const IDLE_CHECKPOINT_MIN_ROWS = 2_000

/** How many bytes may be in memory alone. Both are infinite without a memory limit. */
export interface SpillBounds {
  readonly spillBytes: number
  readonly segmentBytes: number
}

export interface MaintenanceParts {
  /** Of the collection. */
  name(): string
  readonly shard: Shard
  clock: Clock
  bounds: SpillBounds
  outdated: OutdatedSegments
  flushing: FlushParts
  flush(): Promise<void>
  checkpoint(): Promise<void>
  /** Segment files of the folder; null without one. */
  readonly files: Pick<Checkpointer, 'sweep' | 'measureDisk'> | null
  /** Cleans the table: old versions, and files that have been unnamed for the grace period. */
  housekeep(graceMs?: number): Promise<void>
  /** Called when background work begins to fail, and with null when it succeeds again. */
  onTrouble(error: VicinalError | null): void
}

/**
 * The background work of one collection, one step at a time: flush, compact, checkpoint, clean up. A failed step is
 * tried again with growing pauses, since most failures (such as a full disk) heal without a restart.
 */
export class Maintenance {
  readonly #parts: MaintenanceParts
  readonly #mutex = new Mutex()
  #stopped = false
  /** How many callers of `aside` wait. Long steps stop early for them. */
  #asides = 0
  /** Called after each tick with its error or null, and at the end. */
  #waiters: ((trouble: VicinalError | null) => void)[] = []
  #seenSeq = -1
  #changedAtMs: number
  #dirtySinceMs: number | null = null
  #cleanedAtMs: number
  /** The bytes on disk are told from the first tick on, before any cleaning. */
  #isMeasured = false
  #retryMs = 0
  #retryAtMs = 0
  readonly #recurring = () => this.#mutex.run(() => this.#tick())

  constructor(parts: MaintenanceParts) {
    this.#parts = parts
    this.#changedAtMs = parts.clock.monotonicMs()
    this.#cleanedAtMs = this.#changedAtMs
  }

  start(): void {
    background.add(this.#recurring)
  }

  /** Stops after the step that runs. */
  async stop(): Promise<void> {
    this.#stopped = true
    background.remove(this.#recurring)
    await this.#mutex.idle()
    diskBytes.delete(this.#parts.name())
    this.#wake(null)
  }

  /** Runs work between two steps. A long step ends early and goes on afterwards. */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    this.#asides++
    try {
      return await this.#mutex.run(work)
    } finally {
      this.#asides--
    }
  }

  get #goesOn(): boolean {
    return !this.#stopped && this.#asides === 0
  }

  /** Runs a tick at once, which also cleans the folder. */
  hurry(): void {
    this.#cleanedAtMs = Number.NEGATIVE_INFINITY
    if (!this.#stopped) void this.#mutex.run(() => this.#tick())
  }

  /**
   * Resolves when no segment is outdated, or at the end. Rejects if background work fails while a segment is outdated.
   */
  async rebuilt(): Promise<void> {
    let trouble: VicinalError | null = null
    while (!this.#stopped && this.#isOutdated()) {
      if (trouble) throw trouble
      trouble = await new Promise<VicinalError | null>((resolve) => this.#waiters.push(resolve))
    }
  }

  #isOutdated(): boolean {
    return this.#parts.shard.stats().segments.some(({ segment, left }) => left || this.#parts.outdated.has(segment))
  }

  #wake(trouble: VicinalError | null): void {
    for (const waiter of this.#waiters.splice(0)) waiter(trouble)
  }

  /** Does future work at once. Files that are no longer named are removed after `graceMs`. */
  async settle(graceMs: number): Promise<void> {
    while (!(await this.#mutex.run(() => this.#settleNow(graceMs))));
  }

  /** False if it stopped early for other work. */
  async #settleNow(graceMs: number): Promise<boolean> {
    await this.#parts.flush()
    for (let step = this.#nextStep(Number.POSITIVE_INFINITY); step; step = this.#nextStep(Number.POSITIVE_INFINITY)) {
      if (this.#asides > 0) return false
      await this.#take(step)
    }
    await this.#parts.checkpoint()
    await this.#housekeep(graceMs)
    return true
  }

  async #housekeep(graceMs?: number): Promise<void> {
    await this.#parts.files?.sweep(graceMs)
    await this.#parts.housekeep(graceMs)
  }

  /** Writes rows that are only in memory to the table and to segment files. A large segment then takes no more rows. */
  async spill(): Promise<void> {
    await this.#mutex.run(() => this.#spill())
  }

  async #spill(): Promise<void> {
    const { shard, bounds } = this.#parts
    // A stopping engine flushes by itself, or is about to delete the rows.
    if (this.#stopped) return
    await this.#parts.flush()
    if (this.#stopped || unspilledRows(shard.stats()) < LEAST_SPILL_ROWS || !(await this.#caughtUp())) return
    await this.#parts.checkpoint()
    freezeIfLarge(shard, bounds.segmentBytes)
  }

  #nextStep(idleMs: number): MaintenanceStep | null {
    return this.#stopped ? null : nextMaintenanceStep(this.#parts.shard.stats(), idleMs, this.#parts.outdated)
  }

  async #take(step: MaintenanceStep): Promise<void> {
    if (step.kind === 'compact') await this.#compact(step.segment, step.active)
    else await this.#parts.checkpoint()
  }

  async #tick(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs()
    if (nowMs < this.#retryAtMs) return
    try {
      await this.#step(nowMs)
      this.#wake(null)
      if (this.#retryMs > 0) this.#parts.onTrouble(null)
      this.#retryMs = 0
    } catch (cause) {
      this.#retryMs = Math.min(RETRY_MOST_MS, Math.max(RETRY_FIRST_MS, this.#retryMs * 2))
      this.#retryAtMs = nowMs + this.#retryMs
      const trouble =
        cause instanceof VicinalError ? cause : new VicinalError('INTERNAL', 'background work failed', { cause })
      this.#parts.onTrouble(trouble)
      this.#wake(trouble)
    }
  }

  async #step(nowMs: number): Promise<void> {
    const { shard } = this.#parts
    const stats = shard.stats()
    if (stats.seq !== this.#seenSeq) {
      this.#seenSeq = stats.seq
      this.#changedAtMs = nowMs
    }
    await this.#flushIfDue(stats, nowMs)
    if (unspilledBytes(stats) >= this.#parts.bounds.spillBytes) await this.#spill()
    const step = this.#nextStep(nowMs - this.#changedAtMs)
    if (step) await this.#take(step)
    for (const [vector, { recall }] of stats.vectors.entries()) {
      if (recall.waiting > 0 || recall.settling) await shard.measureRecall(vector, MEASURED_QUERIES)
    }
    if (nowMs - this.#cleanedAtMs >= HOUSEKEEPING_MS) {
      this.#cleanedAtMs = nowMs
      await this.#housekeep()
    } else if (!this.#isMeasured) await this.#parts.files?.measureDisk()
    this.#isMeasured = true
  }

  async #flushIfDue(stats: ShardStats, nowMs: number): Promise<void> {
    this.#dirtySinceMs = stats.dirty === 0 ? null : (this.#dirtySinceMs ?? nowMs)
    const dirtyMs = this.#dirtySinceMs === null ? Number.NEGATIVE_INFINITY : nowMs - this.#dirtySinceMs
    if (!isFlushDue(this.#parts.flushing, stats.dirtyBytes, dirtyMs)) return
    await this.#parts.flush()
    this.#dirtySinceMs = null
  }

  /** Moves the live rows of a segment into the active one and drops the segment. */
  async #compact(segment: number, active: boolean): Promise<void> {
    const { shard } = this.#parts
    if (!this.#goesOn || (active && shard.freeze() !== segment)) return
    await workTimes.time('compaction', { collection: this.#parts.name(), of: 'segment', segment }, () =>
      this.#empty(segment),
    )
  }

  async #empty(segment: number): Promise<void> {
    const { shard, clock } = this.#parts
    while (this.#goesOn) {
      // Compaction may take minutes, and writes go on meanwhile.
      await this.#flushIfDue(shard.stats(), clock.monotonicMs())
      if (shard.tailBytes() > MOVE_BACKLOG_BYTES) {
        await pause()
        continue
      }
      if ((await shard.moveRows(segment, MOVE_ROWS)) > 0) continue
      shard.dropSegment(segment)
      if (await this.#caughtUp()) await this.#parts.checkpoint()
      return
    }
  }

  /**
   * Waits for the graph to hold the moved rows: a file without them would have them linked again at every open. Returns
   * false if the end comes first. Until the next checkpoint the earlier files hold all rows.
   */
  async #caughtUp(): Promise<boolean> {
    const { shard, clock } = this.#parts
    let isBuilt = false
    const built = shard.waitForIndex().then(() => {
      isBuilt = true
    })
    // A closing shard rejects. Then the end has come anyway.
    built.catch(() => undefined)
    while (!isBuilt && this.#goesOn) {
      await this.#flushIfDue(shard.stats(), clock.monotonicMs())
      await Promise.race([built, pause()])
    }
    return isBuilt
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, BACKLOG_POLL_MS).unref())
}

type MaintenanceStep = { kind: 'compact'; segment: number; active: boolean } | { kind: 'checkpoint' }

/**
 * The next step that the segments of a shard need, or null. Compaction comes first: it decides which segments to write.
 */
export function nextMaintenanceStep(
  stats: ShardStats,
  idleMs: number,
  outdated: OutdatedSegments,
): MaintenanceStep | null {
  for (const { segment, active, left, rows, deleted } of stats.segments) {
    if (outdated.has(segment) || left) return { kind: 'compact', segment, active }
    if (rows >= COMPACT_MIN_ROWS && deleted > rows * COMPACT_DELETED_SHARE) return { kind: 'compact', segment, active }
  }
  // A checkpoint now would write an unfinished graph, together with the cost of searching it unfinished.
  if (stats.vectors.some((vector) => vector.indexed < vector.live || vector.calibrating)) return null
  // This checkpoint saves the next open a measurement. It is made only if all rows are in files, so it writes no whole
  // file.
  const isMeasuredAnew = stats.segments.some(({ measuredAnew }) => measuredAnew)
  const isAllFiled = stats.segments.every(({ rows, checkpointedRows }) => rows === checkpointedRows)
  if (idleMs >= IDLE_MS && isMeasuredAnew && isAllFiled) return { kind: 'checkpoint' }
  const least = idleMs >= IDLE_MS ? IDLE_CHECKPOINT_MIN_ROWS : CHECKPOINT_MIN_ROWS
  for (const { rows, checkpointedRows } of stats.segments) {
    const grown = rows - checkpointedRows
    const worthIt = idleMs >= IDLE_MS ? least : Math.max(least, checkpointedRows * CHECKPOINT_GROWTH_SHARE)
    if (grown >= worthIt) return { kind: 'checkpoint' }
  }
  return null
}
