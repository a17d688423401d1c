import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { ran } from './bench-program.js'

interface Row {
  kind: string
  asked: number
  low: number
  queries: number
}
interface Run {
  data: Record<string, { rows: number; recall: { rows: Row[] } }>
}

const BENCH = fileURLToPath(new URL('../../bench/bench.mjs', import.meta.url))
const ZOO = fileURLToPath(new URL('../../bench/zoo.mjs', import.meta.url))
const ZOO_KINDS = 18
/**
 * Enough rows that codes are chosen as for more, and no more than needed, since embedding glosses takes most of the
 * time.
 */
const ROWS = 17_000
const TARGETS = [0.8, 0.9, 0.95, 0.99]
const TOLERANCE = 0.01
const KINDS = [
  'held out',
  '10 % at random',
  '10 %, of two conditions',
  ...['after 30 % churn', 'after compaction', 'after reopening'].flatMap((stage) => [
    stage,
    `${stage}, of two conditions`,
  ]),
  'of another kind',
]
const MINUTE = 60_000

const out = mkdtempSync(join(tmpdir(), 'vicinal-recall-'))
afterAll(() => rmSync(out, { recursive: true }))

/** The bench installs its packages, prepares the data, and exits with code 1 if its verdict fails. */
test(
  'the requested recall is kept on words, mnist and glosses, with and without filters, and for queries of another kind',
  async () => {
    const args = ['--parts', 'recall', '--systems', 'vicinal', '--limit', String(ROWS), '--out', out]
    const { status, stdout, stderr } = await ran(BENCH, args)
    expect(status, `${stderr}${stdout}`).toBe(0)
    const json = readdirSync(out).find((name) => name.endsWith('.json')) as string
    const { data } = JSON.parse(readFileSync(join(out, json), 'utf8')) as Run
    expect(Object.keys(data)).toEqual(['words', 'glosses', 'mnist'])
    for (const { rows, recall } of Object.values(data)) {
      expect(rows).toBe(ROWS)
      for (const kind of KINDS) {
        const measured = recall.rows.filter((row) => row.kind === kind)
        expect(measured.map(({ asked }) => asked)).toEqual(TARGETS)
        for (const { asked, low, queries } of measured) {
          expect(queries).toBeGreaterThanOrEqual(1000)
          expect(low).toBeGreaterThanOrEqual(asked - TOLERANCE)
        }
      }
    }
  },
  120 * MINUTE,
)

/** Runs after the other test, which installs and prepares everything for both. */
test(
  'the requested recall is kept for each kind of hard data',
  async () => {
    const child = await ran(ZOO, ['--quick'])
    expect(child.status, `${child.stdout}${child.stderr}`).toBe(0)
    expect(child.stdout.match(/^PASS /gm)?.length).toBeGreaterThanOrEqual(3 * ZOO_KINDS)
  },
  120 * MINUTE,
)
