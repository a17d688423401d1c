#!/usr/bin/env node
// The regression guard: the work of a search beside C++ hnswlib's at equal recall, compared with committed figures. The
// kernel counts distances and bytes, and reads no clock, so the figures are the same on a busy machine; see
// kernel/work_guard.cpp. `--write` commits to the present figures.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH, runFolder, startRun } from './lib/datasets.mjs'
import { compileProgram, hnswlib, runProgram } from './lib/kernel-program.mjs'

const FIGURES = join(BENCH, 'guard.json')
const SHAPES = [
  { rows: 30_000, dim: 100 },
  { rows: 20_000, dim: 384 },
]
const RECALLS = [0.95, 0.99]
const MEASURES = ['distances', 'bytes']
/** How much worse a figure may be than the one committed. */
const ALLOWED = 1.1

/** Between two points of a sweep the logarithm of the work is taken to be linear in recall. */
function workAt(rows, measure, recall) {
  const byRecall = [...rows].sort((a, b) => a.recall - b.recall)
  const above = byRecall.findIndex((row) => row.recall >= recall)
  if (above < 0) throw new Error(`recall ${recall} is not reached`)
  const high = byRecall[above]
  const low = byRecall[above - 1]
  if (!low) return high[measure]
  const share = (recall - low.recall) / (high.recall - low.recall)
  return Math.exp(Math.log(low[measure]) + share * (Math.log(high[measure]) - Math.log(low[measure])))
}

/** By name, ours over hnswlib's. */
function ratios(program) {
  const found = {}
  for (const { rows, dim } of SHAPES) {
    const { hnswlib: peer, ...codes } = runProgram(program, [rows, dim])
    for (const [code, sweep] of Object.entries(codes)) {
      for (const recall of RECALLS) {
        for (const measure of MEASURES) {
          const ratio = workAt(sweep, measure, recall) / workAt(peer, measure, recall)
          found[`${measure}, ${code}, ${rows} × ${dim}, recall ${recall}`] = Number(ratio.toFixed(4))
        }
      }
    }
  }
  return found
}

function main() {
  const found = ratios(compileProgram('work_guard', hnswlib(true).include))
  if (process.argv.includes('--write')) {
    writeFileSync(FIGURES, `${JSON.stringify(found, null, 2)}\n`)
    return 0
  }
  const committed = JSON.parse(readFileSync(FIGURES, 'utf8'))
  const names = [...new Set([...Object.keys(committed), ...Object.keys(found)])]
  // A figure that is no longer measured, or not committed to, guards nothing.
  const isKept = (name) => found[name] <= committed[name] * ALLOWED
  for (const name of names) {
    const verdict = isKept(name) ? 'PASS' : 'FAIL'
    process.stdout.write(
      `${verdict}  ${name}: ${found[name] ?? '–'} of hnswlib's, committed ${committed[name] ?? '–'}\n`,
    )
  }
  return names.every(isKept) ? 0 : 1
}

startRun()
try {
  process.exitCode = main()
} finally {
  rmSync(runFolder(), { recursive: true, force: true })
}
