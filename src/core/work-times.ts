/** How long the parts of the work take that no request waits for alone, in this thread. */
import type { Facts } from './call-notes.js'
import { emptyHistogram, type Histogram, observe } from './histogram.js'

/**
 * `search_wait`: a search on its way to a thread of the kernel; `write_wait`: a write until its turn; `fsync`: the log's
 * fdatasync, or the batch of a store; `recovery`: the opening of a collection. The others are background work of one.
 */
export const TIMED_WORK = [
  'search_wait',
  'write_wait',
  'fsync',
  'flush',
  'checkpoint',
  'compaction',
  'recovery',
] as const
export type TimedWork = (typeof TIMED_WORK)[number]

/** Background work that has ended. */
export interface WorkDone {
  kind: TimedWork
  startMs: number
  endMs: number
  facts: Facts
  error: unknown
}

/** A thread's account of its work; plain, so that it can be posted. */
export interface WorkState {
  times: Record<TimedWork, Histogram>
  failed: Record<TimedWork, number>
}

export class WorkTimes {
  readonly state: WorkState = {
    times: ofEach(emptyHistogram),
    failed: ofEach(() => 0),
  }
  /** Hear of work whose time is taken by `time`. */
  readonly listeners = new Set<(work: WorkDone) => void>()

  note(kind: TimedWork, elapsedMs: number): void {
    observe(this.state.times[kind], elapsedMs)
  }

  /** Does the work, and notes its time. The work may add to the facts. */
  async time<T>(kind: TimedWork, facts: Facts, work: () => Promise<T>): Promise<T> {
    const startMs = performance.now()
    let failure: { error: unknown } | null = null
    try {
      return await work()
    } catch (error) {
      failure = { error }
      this.state.failed[kind]++
      throw error
    } finally {
      const endMs = performance.now()
      this.note(kind, endMs - startMs)
      for (const listener of this.listeners) listener({ kind, startMs, endMs, facts, error: failure?.error })
    }
  }
}

function ofEach<T>(value: () => T): Record<TimedWork, T> {
  return Object.fromEntries(TIMED_WORK.map((kind) => [kind, value()])) as Record<TimedWork, T>
}

/** Of this thread. */
export const workTimes = new WorkTimes()
