import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ran } from './bench-program.js'

const GUARD = fileURLToPath(new URL('../../bench/guard.mjs', import.meta.url))
const FIGURES = 24

/**
 * Counts, no timings. After a change that intentionally costs work: run `node bench/guard.mjs --write`, and say why.
 */
test('a search computes and reads at most a tenth more than the committed counts, compared with hnswlib at equal recall', async () => {
  const child = await ran(GUARD, [])
  expect(child.status, `${child.stdout}${child.stderr}`).toBe(0)
  expect(child.stdout.match(/^PASS /gm)?.length).toBeGreaterThanOrEqual(FIGURES)
}, 3_600_000)
