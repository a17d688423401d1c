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

describe(`a model test of ${OPERATIONS} operations with restarts`, () => {
  it.each(Object.keys(CONFIGURATIONS))(
    "%s: every answer is the oracle's",
    async (name) => {
      await inScratch(async (scratch) => {
        const plan: ModelPlan = {
          scratch,
          seed: runSeed(`model, ${name}`),
          operations: OPERATIONS,
          options: CONFIGURATIONS[name] as ModelOptions,
          restartEvery: 400,
          bulk: { count: 300, every: 500 },
        }
        const report = await childOutcome<ModelReport>('model-runner', [JSON.stringify(plan)])
        process.stderr.write(`model, ${name}: ${JSON.stringify(report)}\n`)
        expect(report.reads + report.writes).toBe(OPERATIONS)
        expect(Math.min(report.closed, report.abandoned)).toBeGreaterThan(2)
      })
    },
    scaledMinutes(4),
  )
})
