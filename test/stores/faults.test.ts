/** A longer run, with batches that come too late to count: `VICINAL_ROUNDS=200 VICINAL_MIN_AGE_MS=10000 npm test -- test/stores/faults`. */
import { expect, test } from 'vitest'
import { runFaults } from './fault-run.js'

const rounds = Number(process.env.VICINAL_ROUNDS ?? 2)
const seed = Number(process.env.VICINAL_SEED ?? Date.now() % 1_000_000)
const minAgeMs = Number(process.env.VICINAL_MIN_AGE_MS ?? 0) || null

test(
  'what a store acknowledged through faults and kills is there, whole, and nothing else',
  async () => {
    process.stdout.write(`faults of the store: VICINAL_SEED=${seed}\n`)
    const { acknowledged, ...rest } = await runFaults({ seed, rounds, minAgeMs })
    process.stdout.write(`faults of the store: ${JSON.stringify({ acknowledged, ...rest })}\n`)
    expect(acknowledged).toBeGreaterThan(5 * rounds)
  },
  rounds * 120_000,
)
