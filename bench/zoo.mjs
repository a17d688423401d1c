#!/usr/bin/env node
// The zoo: recall promised and got on hard data (kernel/zoo_rows.hpp).
//
//   npm run zoo -- [--quick] [--rows N] [--queries N] [--kinds 'twins 4,binary'] [--made-up]
//
// Rows are made from word vectors; `--made-up` takes gaussian rows instead, which need no download. The tests run
// `--quick`. A kind keeps its promise if the lower end of the 95 % interval of its recall is at most 0.01 below the recall
// asked for (docs/design/recall.md). The exit code is 1 if a kind does not.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { inChild } from './lib/child.mjs'
import { dataset, isPrepared, runFolder, startRun } from './lib/datasets.mjs'
import { compileProgram, hnswlib } from './lib/kernel-program.mjs'

const TOLERANCE = 0.01
/** Of the tests: as many rows as bench-recall.test.ts prepares. */
const QUICK = { limit: 17_000, rows: 8_000 }
const ROWS = 40_000
const QUERIES = 1000

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rows: { type: 'string' },
    queries: { type: 'string', default: String(QUERIES) },
    kinds: { type: 'string' },
    'made-up': { type: 'boolean', default: false },
  },
})

/** Files of stored rows and of queries held out. */
async function source() {
  if (values['made-up']) return ['-', '-']
  const { installPeers } = await import('./lib/install.mjs')
  installPeers({ yardstick: false })
  const limit = values.quick ? QUICK.limit : 0
  const set = dataset('words', limit)
  if (!isPrepared(set)) await inChild('preparing words', 'prepare', { data: 'words', limit })
  return [set.base, set.queriesFile]
}

function line(row) {
  const kept = row.low >= row.asked - TOLERANCE
  const numbers = [row.recall.toFixed(3), row.low.toFixed(3), row.promised.toFixed(3)]
  return [
    kept ? 'PASS' : 'FAIL',
    `${row.kind}, ${row.queries}`.padEnd(38),
    `${row.rows} × ${row.dim}`.padEnd(12),
    row.codes.padEnd(15),
    `asked ${row.asked.toFixed(2)}: got ${numbers[0]}, at least ${numbers[1]}, promised ${numbers[2]};`,
    `${row.distances} distances, ${row.tookUs} µs, a scan ${row.scanUs} µs; ${row.strategy}`,
  ].join(' ')
}

async function main() {
  const files = await source()
  const program = compileProgram('zoo_bench', hnswlib(true).include)
  const rows = values.rows ?? (values.quick ? QUICK.rows : ROWS)
  const args = [...files, String(rows), values.queries, ...(values.kinds ? [values.kinds] : [])]
  const measured = JSON.parse(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  const lines = measured.map(line)
  process.stdout.write(`${lines.join('\n')}\n`)
  return lines.some((text) => text.startsWith('FAIL')) ? 1 : 0
}

startRun()
try {
  process.exitCode = await main()
} finally {
  rmSync(runFolder(), { recursive: true, force: true })
}
