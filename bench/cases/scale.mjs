// How the kernel and C++ hnswlib fare as data grow: the words, then as many mixtures of pairs of them as are wanted. See
// kernel/scale_bench.cpp.
import { mkdirSync, rmSync } from 'node:fs'
import { dataset, shape, workFolder } from '../lib/datasets.mjs'
import { compileProgram, hnswlib, runProgram } from '../lib/kernel-program.mjs'

const SIZES = [1_000_000, 3_000_000]
/** Of a trial, over its limit. */
const TRIAL = [3, 9]

export function scale({ data, limit }) {
  const set = dataset(data, limit)
  const { include, source } = hnswlib()
  const program = compileProgram('scale_bench', include)
  const { count } = shape(set.base)
  const sizes = [count, ...(limit > 0 ? TRIAL.map((times) => times * count) : SIZES)]
  const points = []
  for (const size of sizes) {
    const folder = workFolder(set, `scale-${size}`)
    mkdirSync(folder, { recursive: true })
    const run = (what, system) => runProgram(program, [what, system, size, folder, set.base, set.queriesFile])
    run('truth', '-')
    for (const system of ['vicinal', 'hnswlib']) {
      process.stderr.write(`bench: scale: ${size.toLocaleString('en-US')} rows, ${system}\n`)
      const { build } = run('build', system)
      points.push({ size, system, build, ...run('search', system) })
    }
    rmSync(folder, { recursive: true, force: true })
  }
  return { points, hnswlibSource: source }
}
