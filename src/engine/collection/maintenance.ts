import type { Clock } from '../../core/clock.js'
import { VicinalError } from '../../core/errors.js'
import { Mutex } from '../../core/mutex.js'
import type { ShardStats } from '../../native/addon.js'
import type { Shard } from '../../native/shard.js'
import { freezeIfLarge, unspilledBytes, unspilledRows } from '../memory/unspilled.js'
import { type MaintenanceStep, nextMaintenanceStep } from './maintenance-policy.js'
import type { OutdatedSegments } from './outdated-segments.js'

const TICK_MS = 500
/** Changes are flushed when they are this old or this many bytes, whichever comes first. */
const FLUSH_AGE_MS = 5_000
const FLUSH_BYTES = 16 * 1024 * 1024
/** Rows moved in one step of a compaction, and the backlog of unlinked vectors above which it waits for the graph. */
const MOVE_ROWS = 2_000
const MOVE_BACKLOG_BYTES = 16 * 1024 * 1024
const BACKLOG_POLL_MS = 20
/**
 * Callers' queries whose recall is measured each tick, at most: a scan each, on a thread of low priority, which stops sooner
 * where it has taken a twentieth of the tick.
 */
const MEASURED_QUERIES = 16
const HOUSEKEEPING_MS = 30_000
/** Fewer rows are not worth a file when memory is short. */
const LEAST_SPILL_ROWS = 100
const RETRY_FIRST_MS = 1_000
const RETRY_MOST_MS = 30_000

/** How much may be in memory alone; both are infinite where memory has no limit. */
export interface SpillBounds {
  readonly spillBytes: number
  readonly segmentBytes: number
}

export interface MaintenanceParts {
  readonly shard: Shard
  clock: Clock
  bounds: SpillBounds
  outdated: OutdatedSegments
  flush(): Promise<void>
  checkpoint(): Promise<void>
  /** Cleans the folder: old table versions, and files that nothing has named for the grace period. */
  housekeep(graceMs?: number): Promise<void>
  /** Told what went wrong in the background, and null when it goes right again. */
  onTrouble(error: VicinalError | null): void
}

/**
 * The background work of one collection, one step at a time: flush, compact, checkpoint, clean up. What fails is
 * tried again with growing pauses, since most of it (a full disk) heals without a restart.
 */
export class Maintenance {
  readonly #parts: MaintenanceParts
  #timer: NodeJS.Timeout | null = null
  readonly #mutex = new Mutex()
  #stopped = false
  /** How many wait for a turn that what takes long is to make room for. */
  #asides = 0
  /** Called after each look, with what went wrong in it, and at the end. */
  #waiters: ((trouble: VicinalError | null) => void)[] = []
  #seenSeq = -1
  #changedAtMs: number
  #dirtySinceMs: number | null = null
  #cleanedAtMs: number
  #retryMs = 0
  #retryAtMs = 0

  constructor(parts: MaintenanceParts) {
    this.#parts = parts
    this.#changedAtMs = parts.clock.monotonicMs()
    this.#cleanedAtMs = this.#changedAtMs
  }

  start(): void {
    this.#arm()
  }

  /** Stops after the step that runs. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#mutex.idle()
    this.#wake(null)
  }

  /** Runs work between two steps; a step that takes long ends early, and goes on behind it. */
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

  /** Looks at once for what is to be done, and for what can be cleaned. */
  hurry(): void {
    this.#cleanedAtMs = Number.NEGATIVE_INFINITY
    if (!this.#stopped) void this.#mutex.run(() => this.#tick())
  }

  /** Resolves when no segment is outdated, or at the end. Rejects with what background work has failed with while one is. */
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

  /** Does at once what would come due in time; files that no longer count go after `graceMs`. */
  async settle(graceMs: number): Promise<void> {
    while (!(await this.#mutex.run(() => this.#settleNow(graceMs))));
  }

  /** False where it made room for something else. */
  async #settleNow(graceMs: number): Promise<boolean> {
    await this.#parts.flush()
    for (let step = this.#nextStep(Number.POSITIVE_INFINITY); step; step = this.#nextStep(Number.POSITIVE_INFINITY)) {
      if (this.#asides > 0) return false
      await this.#take(step)
    }
    await this.#parts.checkpoint()
    await this.#parts.housekeep(graceMs)
    return true
  }

  /** Brings what is in memory alone to the table and to segment files; a segment that is large then takes no more rows. */
  async spill(): Promise<void> {
    await this.#mutex.run(() => this.#spill())
  }

  async #spill(): Promise<void> {
    const { shard, bounds } = this.#parts
    // Whoever ends it flushes as it sees fit, or is about to delete what would be flushed.
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

  #arm(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      void this.#mutex.run(() => this.#tick()).finally(() => this.#arm())
    }, TICK_MS)
    this.#timer.unref()
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
      await this.#parts.housekeep()
    }
  }

  async #flushIfDue(stats: ShardStats, nowMs: number): Promise<void> {
    this.#dirtySinceMs = stats.dirty === 0 ? null : (this.#dirtySinceMs ?? nowMs)
    const isOld = this.#dirtySinceMs !== null && nowMs - this.#dirtySinceMs >= FLUSH_AGE_MS
    if (!isOld && stats.dirtyBytes < FLUSH_BYTES) return
    await this.#parts.flush()
    this.#dirtySinceMs = null
  }

  /** Moves what lives in a segment into the active one and drops it. */
  async #compact(segment: number, active: boolean): Promise<void> {
    const { shard, clock } = this.#parts
    if (!this.#goesOn || (active && shard.freeze() !== segment)) return
    while (this.#goesOn) {
      // It may take minutes, in which writes go on.
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
   * Waits for the graph to have what was moved, since a file without it would have it linked again at every open; false
   * where the end comes first. Until there is a checkpoint the files of before hold all that is wanted.
   */
  async #caughtUp(): Promise<boolean> {
    const { shard, clock } = this.#parts
    let isBuilt = false
    const built = shard.waitForIndex().then(() => {
      isBuilt = true
    })
    // A shard that closes rejects; then the end has come anyway.
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
