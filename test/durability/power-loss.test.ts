import { describe, expect, it } from 'vitest'
import { runSeed } from '../oracle/fault-random.js'
import { inScratch } from './child.js'
import { crashEverywhere, type Recorded, recordRun } from './power-loss-run.js'
import { scaled, scaledMinutes } from './soak.js'

const POINTS = scaled(100)

/**
 * Few steps in sequence, with segments, compaction and reopening; and many concurrent steps that share their fsyncs.
 */
const PLANS: Record<string, Omit<Recorded, 'seed'>> = {
  'one writer with bulk, flushes and reopening': {
    lanes: 2,
    options: { ids: 100, flushes: 40, bulk: { count: 1_300, every: 90 } },
    phases: [
      { steps: 92, next: 'rest' },
      { steps: 30, next: 'reopen' },
      { steps: 65, next: 'rest' },
      { steps: 20, next: 'go on' },
    ],
    end: 'exit',
  },
  'six writers at once': {
    lanes: 7,
    options: { ids: 100, flushes: 20 },
    phases: [
      { steps: 60, next: 'reopen' },
      { steps: 60, next: 'go on' },
    ],
    end: 'close',
  },
}

describe('power loss', () => {
  it.each(Object.keys(PLANS))(
    `keeps every promise at ${POINTS} moments of %s`,
    async (name) => {
      const plan = { ...(PLANS[name] as Recorded), seed: runSeed(`power loss, ${name}`) }
      await inScratch(async (scratch) => {
        const { report, events } = await recordRun(scratch, plan)
        expect(report.failures).toEqual([])
        const { risky, acknowledged } = await crashEverywhere(scratch, plan, events, POINTS)
        // Without unsynced data, or without work, the run would prove nothing.
        expect(risky).toBeGreaterThan(POINTS / 2)
        expect(acknowledged).toBeGreaterThan(200)
      })
    },
    scaledMinutes(4),
  )
})
