/** Each way of breaking the engine on purpose must be caught, by the test whose business it is. */
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

/** What the power-loss test says of a run that was broken in this way; '' when it says nothing. */
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

/** What the check after a kill says of a run whose log was tampered with by the shim. */
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

/** A log that was lost in part is found damaged too: its header was acknowledged with the collection's creation. */
const LOG_LOST = /\.vlog(?:: expected a header of \d+ bytes, got \d+|: this is no log file| is damaged at byte \d+)/
/** Something acknowledged is missing, or is as it was before. */
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

  it('a tombstone ignored: the model test finds what was deleted', async () => {
    expect(await verdictOfModel('ignoreTombstones')).toMatch(/ModelMismatch: [\s\S]*\nphantom: id /)
  })

  it('nothing where nothing is broken', async () => {
    expect(await verdictOfPowerLoss()).toBe('')
    expect(await verdictOfKill(false)).toBe('')
    expect(await verdictOfModel()).toBe('')
  })
})
