import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runSeed } from '../oracle/fault-random.js'
import { allOutcomes, childOutcome, inScratch } from './child.js'
import type { SweepPlan, SweepReport } from './children/error-sweep.js'
import { FOR_EVER, ShimControl } from './shim/control.js'
import { shimEnvironment } from './shim/shim.js'
import { scaled, scaledMinutes } from './soak.js'

/** Steps of a run's script. */
const STEPS = scaled(200)
const SWEEPERS = 2

type Sweep = Pick<SweepPlan, 'rule' | 'codes'> &
  Partial<Pick<SweepPlan, 'bulk' | 'steps'>> & { stride: number; least: number }

const ANY_CALL: SweepPlan['rule'] = {
  kinds: ['open', 'write', 'fsync', 'rename', 'link', 'truncate', 'mkdir'],
  failure: 'EIO',
}

/** Enough points for a close to write them as a segment. */
const SEGMENT = 1_050

const SWEEPS: Record<string, Sweep> = {
  'every call fails once with EIO': {
    rule: ANY_CALL,
    codes: ['IO_FAILED'],
    // Half the steps have half the calls, and each takes half the time. Each run of the test picks other calls.
    steps: STEPS / 2,
    stride: 4,
    least: 75,
  },
  'one of ten calls of a longer script fails once with EIO': {
    rule: ANY_CALL,
    codes: ['IO_FAILED'],
    stride: 10,
    least: 50,
  },
  'every call for a segment fails once with EIO': {
    rule: { ...ANY_CALL, path: 'segments' },
    codes: ['IO_FAILED'],
    bulk: SEGMENT,
    steps: 60,
    stride: 1,
    least: 10,
  },
  'every write is cut short, once': {
    rule: { kinds: ['write'], failure: 'shortWrite' },
    codes: [],
    stride: 4,
    least: 20,
  },
  // Lance may drop the errno; the error is then a file that ends early.
  'the disk is full from every write on': {
    rule: { kinds: ['write', 'mkdir'], failure: 'ENOSPC', times: FOR_EVER },
    codes: ['DISK_FULL', 'IO_FAILED'],
    stride: 4,
    least: 20,
  },
  'files cannot be opened for a while': {
    rule: { kinds: ['open'], failure: 'EMFILE', times: 3 },
    codes: ['IO_FAILED'],
    stride: 8,
    least: 20,
  },
}

describe('failing disk', () => {
  it.each(Object.keys(SWEEPS))(
    '%s: clear errors, and nothing acknowledged is lost',
    async (name) => {
      const sweep = SWEEPS[name] as Sweep
      const seed = runSeed(`failing disk, ${name}`)
      await inScratch(async (scratch) => {
        const reports = await allOutcomes(Array.from({ length: SWEEPERS }, (_, i) => sweeper(scratch, seed, sweep, i)))
        const runs = reports.reduce((sum, report) => sum + report.runs, 0)
        process.stderr.write(`failing disk, ${name}: ${runs} runs, ${JSON.stringify(reports)}\n`)
        expect(reports.flatMap(({ violations }) => violations)).toEqual([])
        expect(runs).toBeGreaterThanOrEqual(sweep.least)
        expect(reports[0]!.acknowledged).toBeGreaterThan(200)
      })
    },
    scaledMinutes(20),
  )
})

async function sweeper(
  scratch: string,
  seed: number,
  { rule, codes, stride, bulk = 0, steps = STEPS }: Sweep,
  number: number,
): Promise<SweepReport> {
  const root = join(scratch, `sweeper-${number}`)
  mkdirSync(root)
  const control = ShimControl.create(join(scratch, `control-${number}`))
  control.set(['noRealSync'])
  const plan: SweepPlan = {
    root,
    control: control.path,
    seed,
    steps,
    bulk,
    rule,
    codes,
    // The offset within a stride: another one in each run of the test.
    first: 1 + (seed % stride) + number * stride,
    stride: SWEEPERS * stride,
  }
  return await childOutcome('error-sweep', [JSON.stringify(plan)], shimEnvironment({ root, control: control.path }))
}
