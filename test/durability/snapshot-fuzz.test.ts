import { copyFileSync, existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { childOutcome, inScratch } from './child.js'
import type { SnapshotFuzzReport } from './children/snapshot-fuzzer.js'
import { MINUTE_MS } from './soak.js'

/** Set by `npm run fuzz:snapshots`. */
const RUNS = Number(process.env.VICINAL_FUZZ_RUNS ?? 100)
const SEED = process.env.VICINAL_TEST_SEED ?? String(Date.now() % 1_000_000_007)
/** A timeout for hanging runs: one execution takes a third of a second. */
const RUN_MS = 5_000

it(
  'damaged snapshots are refused with an error or accepted; only trial processes may die',
  async () => {
    process.stderr.write(`${RUNS} snapshots: VICINAL_TEST_SEED=${SEED}\n`)
    await inScratch(async (folder) => {
      const outcome = childOutcome<SnapshotFuzzReport>('snapshot-fuzzer', [folder, String(RUNS)], {
        VICINAL_TEST_SEED: SEED,
      })
      const report = await outcome.catch((error: Error) => {
        throw new Error(`${error.message}\nby one of ${kept(folder).join(', ')}`, { cause: error })
      })
      process.stderr.write(`${JSON.stringify({ refused: report.refused, taken: report.taken })}\n`)
      expect(report.violations).toEqual([])
      expect(report.runs).toBeGreaterThanOrEqual(RUNS)
    })
  },
  10 * MINUTE_MS + RUNS * RUN_MS,
)

/** The archives in use when the process ended, and where they are kept. */
function kept(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.snapshot')) : []
  return names.map((name) => {
    const to = join(tmpdir(), `vicinal-${SEED}-${name}`)
    copyFileSync(join(folder, name), to)
    return to
  })
}
