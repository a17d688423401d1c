import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allOutcomes, childOutcome, inScratch } from './child.js'
import type { SnapshotSweepPlan, SnapshotSweepReport } from './children/snapshot-sweep.js'
import { FOR_EVER, ShimControl } from './shim/control.js'
import { shimEnvironment } from './shim/shim.js'
import { scaledMinutes } from './soak.js'

const SWEEPERS = 2

const SWEEPS: Record<string, Pick<SnapshotSweepPlan, 'rule' | 'codes'> & { stride: number; least: number }> = {
  'every call fails once with EIO': {
    rule: { kinds: ['open', 'write', 'fsync', 'rename', 'link', 'truncate', 'mkdir'], failure: 'EIO' },
    codes: ['IO_FAILED'],
    stride: 5,
    least: 40,
  },
  'the disk is full from every write on': {
    rule: { kinds: ['write', 'mkdir', 'link'], failure: 'ENOSPC', times: FOR_EVER },
    codes: ['DISK_FULL', 'IO_FAILED'],
    stride: 3,
    least: 20,
  },
}

describe('a disk that fails while snapshots are made and restored', () => {
  it.each(Object.keys(SWEEPS))(
    '%s: clear errors, whole collections, no remains',
    async (name) => {
      const { rule, codes, stride, least } = SWEEPS[name] as (typeof SWEEPS)[string]
      await inScratch(async (scratch) => {
        const sweeps = Array.from({ length: SWEEPERS }, (_, number) => {
          const root = join(scratch, `sweeper-${number}`)
          mkdirSync(root)
          const control = ShimControl.create(join(scratch, `control-${number}`)).path
          const first = 1 + number * stride
          const plan: SnapshotSweepPlan = { root, control, rule, codes, first, stride: SWEEPERS * stride }
          return childOutcome<SnapshotSweepReport>(
            'snapshot-sweep',
            [JSON.stringify(plan)],
            shimEnvironment({ root, control }),
          )
        })
        const reports = await allOutcomes(sweeps)
        process.stderr.write(`snapshots, ${name}: ${JSON.stringify(reports)}\n`)
        expect(reports.flatMap(({ violations }) => violations)).toEqual([])
        const sum = (field: 'runs' | 'notMade' | 'notTaken') => reports.reduce((total, one) => total + one[field], 0)
        expect(sum('runs')).toBeGreaterThanOrEqual(least)
        expect(Math.min(sum('notMade'), sum('notTaken')), 'failures told to the caller').toBeGreaterThan(5)
      })
    },
    scaledMinutes(4),
  )
})
