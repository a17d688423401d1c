import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const GUARD = fileURLToPath(new URL('../../bench/guard.mjs', import.meta.url))
const FIGURES = 24

/**
 * Counts, no timings. After a change that intentionally costs work: run `node bench/guard.mjs --write`, and say why.
 */
test('a search computes and reads at most a tenth more than the committed counts, compared with hnswlib at equal recall', () => {
  const child = spawnSync(process.execPath, [GUARD], { encoding: 'utf8' })
  expect(child.status, `${child.stdout}${child.stderr}`).toBe(0)
  expect(child.stdout.match(/^PASS /gm)?.length).toBeGreaterThanOrEqual(FIGURES)
}, 3_600_000)
