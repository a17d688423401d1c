/**
 * Histories of several nodes under faults. A longer run: `VICINAL_ROUNDS=200 npm test -- test/stores/history.test`; it
 * prints its seed, and `VICINAL_TEST_SEED` repeats it.
 */
import { expect, test } from 'vitest'
import { runSeed } from '../oracle/fault-random.js'
import { runHistory } from './history-run.js'

const ROUNDS = Number(process.env.VICINAL_ROUNDS ?? 10)
const OF_FILE = Math.floor(ROUNDS * 0.4)
/** Faults by a part of their names, to look into one. */
const FAULTS = process.env.VICINAL_FAULTS
/** In a short run no pause of a minute. */
const SHORT_ON_S3 = /^(?!.*past min_age)/
const faultsOn = (store: 'file' | 's3') => {
  if (FAULTS) return { only: new RegExp(FAULTS) }
  return store === 's3' && ROUNDS <= 10 ? { only: SHORT_ON_S3 } : {}
}
const ROUND_MS = 300_000

test.each([
  ['file', OF_FILE, ['write,query', 'write,query', 'query']],
  ['s3', ROUNDS - OF_FILE, ['write,query', 'write,query', 'query']],
] as const)(
  'on a store of kind %s, %i rounds: acknowledged is found, nothing is invented, and watermarks are kept',
  async (store, rounds, roles) => {
    const seed = runSeed(`history, ${store}`)
    const report = await runHistory({ store, seed, rounds, roles, ...faultsOn(store) })
    process.stderr.write(`history, ${store}: ${JSON.stringify(report)}\n`)
    expect(Object.values(report.rounds).reduce((sum, count) => sum + count, 0)).toBe(rounds)
  },
  (ROUNDS + 2) * ROUND_MS,
)
