/**
 * Histories of several nodes under faults: some rounds here, and many by `npm run history -- --rounds 200`. A run prints its
 * seed, which repeats its faults and its calls.
 */
import { expect, test } from 'vitest'
import { runSeed } from '../oracle/fault-random.js'
import { runHistory } from './history-run.js'

const { VICINAL_ROUNDS, VICINAL_HISTORY_STORE, VICINAL_HISTORY_STOP, VICINAL_FAULTS } = process.env
const ROUNDS = Number(VICINAL_ROUNDS ?? 10)
const OF_FILE = Math.floor(ROUNDS * 0.4)
/** Without the pauses of a minute, where nobody asked for rounds. */
const SHORT_ON_S3 = /^(?!.*past min_age)/
/** VICINAL_FAULTS has parts of the names of faults, to look into some. */
const faultsOn = (store: 'file' | 's3') => {
  if (VICINAL_FAULTS) return { only: new RegExp(VICINAL_FAULTS) }
  return store === 's3' && VICINAL_ROUNDS === undefined ? { only: SHORT_ON_S3 } : {}
}
const ROUND_MS = 300_000
const ROLES = ['write,query', 'write,query', 'query'] as const
const STORES = [
  ['file', VICINAL_HISTORY_STORE ? ROUNDS : OF_FILE],
  ['s3', VICINAL_HISTORY_STORE ? ROUNDS : ROUNDS - OF_FILE],
] as const

test.each(STORES.filter(([store, rounds]) => rounds > 0 && (VICINAL_HISTORY_STORE ?? store) === store))(
  'on a store of kind %s, %i rounds: acknowledged is found, nothing is invented, and watermarks are kept',
  async (store, rounds) => {
    const seed = runSeed(`history, ${store}`)
    const stop = VICINAL_HISTORY_STOP === undefined ? {} : { stopFile: VICINAL_HISTORY_STOP }
    const report = await runHistory({ store, seed, rounds, roles: ROLES, ...faultsOn(store), ...stop })
    process.stderr.write(`history, ${store}: ${JSON.stringify(report)}\n`)
    const done = Object.values(report.rounds).reduce((sum, count) => sum + count, 0)
    if (VICINAL_HISTORY_STOP === undefined) expect(done).toBe(rounds)
    else expect(done).toBeGreaterThan(0)
  },
  (ROUNDS + 2) * ROUND_MS,
)
