/** The responsible test must detect each deliberate fault of the engine. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeLanes } from '../oracle/fault-run.js'
import { childOutcome, inScratch, runChild } from './child.js'
import type { RunPlan, RunReport } from './children/lane-runner.js'
import type { ModelPlan } from './children/model-runner.js'
import { checkCrash } from './crash-check.js'
import { crashEverywhere, type Recorded, recordRun } from './power-loss-run.js'
import type { Sabotage } from './sabotage.js'
import { ShimControl } from './shim/control.js'
import { shimEnvironment } from './shim/shim.js'

const SEED = 4
const POINTS = 60

const PLAN: Recorded = {
  seed: SEED,
  lanes: 4,
  options: { ids: 60 },
  phases: [{ steps: 40, next: 'go on' }],
  end: 'exit',
}

/** The power-loss test's verdict on a run with this fault; '' if it finds nothing. */
async function verdictOfPowerLoss(broken: { unsyncedLog?: boolean; sabotage?: Sabotage } = {}): Promise<string> {
  return await inScratch(async (scratch) => {
    const { sabotage, ...flags } = broken
    const { events } = await recordRun(scratch, sabotage ? { ...PLAN, sabotage } : PLAN, flags)
    return await crashEverywhere(scratch, PLAN, events, POINTS).then(
      () => '',
      (error: unknown) => String(error),
    )
  })
}

/** The verdict of the check after a kill on a run whose log the shim has damaged. */
async function verdictOfKill(hold: boolean): Promise<string> {
  return await inScratch(async (scratch) => {
    const root = join(scratch, 'root')
    mkdirSync(root)
    const control = ShimControl.create(join(scratch, 'control'))
    if (hold) control.sabotage('holdLastWrite', '.vlog', ['noRealSync'])
    const plan: RunPlan = { ...PLAN, folder: join(root, 'data') }
    const report = await childOutcome<RunReport>(
      'lane-runner',
      [JSON.stringify(plan)],
      shimEnvironment({ root, control: control.path }),
    )
    expect(report.failures).toEqual([])
    const lanes = makeLanes(plan.lanes, plan.seed, plan.options)
    return await checkCrash(
      { folder: plan.folder, lanes, progress: report.progress, created: true, seed: SEED },
      false,
    ).then(
      () => '',
      (error: unknown) => String(error),
    )
  })
}

async function verdictOfModel(sabotage?: Sabotage): Promise<string> {
  return await inScratch(async (scratch) => {
    const plan: ModelPlan = {
      scratch,
      seed: SEED,
      operations: 300,
      options: { ids: 60, distances: { image: 'Dot', text: 'Euclid' } },
      restartEvery: 100,
      bulk: { count: 60, every: 100 },
      ...(sabotage ? { sabotage } : {}),
    }
    return (await runChild('model-runner', [JSON.stringify(plan)])).stderr
  })
}

/** A partly lost log is found damaged: its header was acknowledged with the creation of the collection. */
const LOG_LOST = /\.vlog(?:: expected a header of \d+ bytes, got \d+|: this is no log file| is damaged at byte \d+)/
/** Something acknowledged is missing, or has its older value. */
const LOST = /LaneViolation: lane \d: after \d+ acknowledged.*\n(missing|changed|phantom): id /

describe('the harness catches', () => {
  it('fsync skipped: the power-loss test finds acknowledged steps missing', async () => {
    expect(await verdictOfPowerLoss({ unsyncedLog: true })).toMatch(new RegExp(`${LOST.source}|${LOG_LOST.source}`))
  })

  it('acknowledgement sent early: the power-loss test finds acknowledged steps missing', async () => {
    expect(await verdictOfPowerLoss({ sabotage: 'ackEarly' })).toMatch(LOST)
  })

  it('the last record dropped: the check after a kill finds the last acknowledged step missing', async () => {
    expect(await verdictOfKill(true)).toMatch(LOST)
  })

  it('a tombstone ignored: the model test finds deleted points', async () => {
    expect(await verdictOfModel('ignoreTombstones')).toMatch(/ModelMismatch: [\s\S]*\nphantom: id /)
  })

  it('nothing in an intact engine', async () => {
    expect(await verdictOfPowerLoss()).toBe('')
    expect(await verdictOfKill(false)).toBe('')
    expect(await verdictOfModel()).toBe('')
  })
})
