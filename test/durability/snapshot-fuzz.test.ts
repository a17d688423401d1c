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
/** For what hangs: an execution takes a third of a second. */
const RUN_MS = 5_000

it(
  'snapshots that are nearly right are refused in words or taken; no process ends but those of trials',
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

/** The archives that were at work as the process ended, where they stay. */
function kept(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.snapshot')) : []
  return names.map((name) => {
    const to = join(tmpdir(), `vicinal-${SEED}-${name}`)
    copyFileSync(join(folder, name), to)
    return to
  })
}
