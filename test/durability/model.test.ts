import { describe, expect, it } from 'vitest'
import type { ModelOptions } from '../oracle/fault-model.js'
import { runSeed } from '../oracle/fault-random.js'
import { childOutcome, inScratch } from './child.js'
import type { ModelPlan, ModelReport } from './children/model-runner.js'
import { scaled, scaledMinutes } from './soak.js'

const OPERATIONS = scaled(10_000)

const CONFIGURATIONS: Record<string, ModelOptions> = {
  'Dot and Euclid': { ids: 300, distances: { image: 'Dot', text: 'Euclid' } },
  'Cosine and Manhattan': { ids: 300, distances: { image: 'Cosine', text: 'Manhattan' } },
}

/** Each write to a store waits for a batch. */
const ON_STORE = { operations: scaled(500), restartEvery: 60, bulk: { count: 300, every: 120 } }

async function reportOf(name: string, plan: Omit<ModelPlan, 'scratch' | 'seed'>): Promise<ModelReport> {
  return await inScratch(async (scratch) => {
    const given: ModelPlan = { ...plan, scratch, seed: runSeed(`model, ${name}`) }
    const report = await childOutcome<ModelReport>('model-runner', [JSON.stringify(given)])
    process.stderr.write(`model, ${name}: ${JSON.stringify(report)}\n`)
    expect(report.reads + report.writes).toBe(plan.operations)
    return report
  })
}

describe('a model test with restarts', () => {
  it.each(Object.keys(CONFIGURATIONS))(
    "%s: every answer is the oracle's",
    async (name) => {
      const options = CONFIGURATIONS[name] as ModelOptions
      const plan = { operations: OPERATIONS, options, restartEvery: 400, bulk: { count: 300, every: 500 } }
      const report = await reportOf(name, plan)
      expect(Math.min(report.closed, report.abandoned)).toBeGreaterThan(2)
    },
    scaledMinutes(4),
  )

  it(
    "on a file store: every answer is the oracle's",
    async () => {
      const options: ModelOptions = { ids: 300, distances: { image: 'Dot', text: 'Euclid' } }
      const report = await reportOf('on a file store', { ...ON_STORE, options, isStore: true })
      expect(report.closed + report.abandoned).toBeGreaterThan(2)
    },
    scaledMinutes(4),
  )
})
