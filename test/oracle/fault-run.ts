/** Runs lanes against a database and records their begun and acknowledged steps. */
import type { Database } from '../../src/core/database.js'
import { type ErrorCode, VicinalError } from '../../src/core/errors.js'
import { Lane, type LaneOptions } from './fault-lane.js'
import { perform } from './fault-workload.js'

/** Answers to an invalid step: the state is unchanged, and that counts as acknowledged. */
const REFUSALS: readonly ErrorCode[] = ['INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS']

export interface Progress {
  lane: number
  acknowledged: number
  /** `acknowledged`, or one more. */
  begun: number
}

export interface Failure {
  lane: number
  step: number
  code: string
  message: string
}

export interface LaneRun {
  database: Database
  lane: Lane
  progress: Progress
  /** The lane stops after this many steps. */
  until: number
  /** How often a failed step is retried before the lane stops. Default 0. */
  retries?: number
  /** Chooses the steps that wait only for the log, not for the disk. Default none. */
  unsynced?: (step: number) => boolean
  onBegin?(progress: Progress): void
  onAcknowledged?(progress: Progress): void
  onFailure?(failure: Failure): void
  /** True ends the run before its next step. */
  stopped?(): boolean
}

/** Resolves to whether the lane reached its end. */
export async function runLane(run: LaneRun): Promise<boolean> {
  const { progress } = run
  while (progress.acknowledged < run.until) {
    const step = progress.acknowledged
    progress.begun = step + 1
    run.onBegin?.(progress)
    if (!(await tried(run, step))) return false
    progress.acknowledged = progress.begun
    run.onAcknowledged?.(progress)
    if (run.stopped?.()) return false
  }
  return true
}

async function tried(run: LaneRun, step: number): Promise<boolean> {
  for (let attempt = 0; attempt <= (run.retries ?? 0); attempt++) {
    try {
      await perform(run.database, run.lane.step(step), { wait: !run.unsynced?.(step) })
      return true
    } catch (error) {
      const code = error instanceof VicinalError ? error.code : 'NO_VICINAL_ERROR'
      if (REFUSALS.includes(code as ErrorCode)) return true
      run.onFailure?.({
        lane: run.lane.number,
        step,
        code,
        message: error instanceof Error ? error.message : String(error),
      })
      if (run.stopped?.()) return false
    }
  }
  return false
}

/** Lanes 0 (which administers) to `count - 1`; the first writing lane also writes in bulk. */
export function makeLanes(count: number, seed: number, options: Partial<LaneOptions> = {}): Lane[] {
  const { bulk, ...rest } = options
  return Array.from(
    { length: count },
    (_, number) => new Lane({ ...rest, number, seed, ...(bulk && number === 1 ? { bulk } : {}) }),
  )
}

export const freshProgress = (lanes: readonly Lane[]): Progress[] =>
  lanes.map((lane) => ({ lane: lane.number, acknowledged: 0, begun: 0 }))
