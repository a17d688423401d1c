import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../oracle/fault-random.js'
import { freshProgress, makeLanes } from '../oracle/fault-run.js'
import { childOutcome } from './child.js'
import type { RunPlan, RunReport } from './children/lane-runner.js'
import { checkCrash } from './crash-check.js'
import { type Flag, ShimControl } from './shim/control.js'
import { choiceOf, PowerLossDisk } from './shim/power-loss.js'
import { shimEnvironment } from './shim/shim.js'
import { readTrace, type TraceEvent } from './shim/trace.js'

export type Recorded = Omit<RunPlan, 'folder' | 'marks'>

/** Runs the plan and records every change of the disk; `unsyncedLog` skips the log's fsyncs. */
export async function recordRun(scratch: string, plan: Recorded, { unsyncedLog = false } = {}) {
  const root = join(scratch, 'recorded')
  const marks = join(scratch, 'marks')
  mkdirSync(root)
  const place = { root, marks, control: join(scratch, 'control'), trace: join(scratch, 'trace') }
  const control = ShimControl.create(place.control)
  const flags: readonly Flag[] = ['record', 'noRealSync']
  if (unsyncedLog) control.sabotage('lieAboutSync', '.vlog', flags)
  else control.set(flags)
  const full: RunPlan = { ...plan, folder: join(root, 'data'), marks }
  const report = await childOutcome<RunReport>('lane-runner', [JSON.stringify(full)], shimEnvironment(place))
  control.close()
  return { report, events: readTrace(place.trace) }
}

export interface PowerLossResult {
  /** Crashes with unsynced data. */
  risky: number
  /** Acknowledged steps, over all lanes, before the last crash. */
  acknowledged: number
}

/** Simulates power failures at `count` seeded moments of the recorded run, and checks the remaining data each time. */
export async function crashEverywhere(
  scratch: string,
  plan: Recorded,
  events: readonly TraceEvent[],
  count: number,
): Promise<PowerLossResult> {
  const random = new Random(plan.seed)
  const lanes = makeLanes(plan.lanes, plan.seed, plan.options)
  const progress = freshProgress(lanes)
  const disk = new PowerLossDisk()
  const moments = new Set(random.distinct(count, events.length))
  let created = false
  let risky = 0
  let crashes = 0
  for (const [at, event] of events.entries()) {
    disk.apply(event)
    if (event.kind === 'mark') {
      const [what, lane, step] = event.text.split(' ')
      if (what === 'main') created = true
      else progress[Number(lane)]![what === 'begin' ? 'begun' : 'acknowledged'] = Number(step)
    }
    if (!moments.has(at)) continue
    if (disk.unsynced > 0) risky++
    const folder = join(scratch, `crash-${at}`)
    disk.rebuild(folder, choiceOf(random))
    try {
      await checkCrash(
        { folder: join(folder, 'data'), lanes, progress, created, seed: plan.seed },
        crashes++ % 10 === 0,
      )
    } catch (cause) {
      throw new Error(`power lost at event ${at} of ${events.length}, seed ${plan.seed}: ${messageOf(cause)}`, {
        cause,
      })
    }
    rmSync(folder, { recursive: true, force: true })
  }
  return { risky, acknowledged: progress.reduce((sum, lane) => sum + lane.acknowledged, 0) }
}

export const messageOf = (cause: unknown): string =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
