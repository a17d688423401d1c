// The kernel alone beside C++ hnswlib, one process, no Node: see kernel/kernel_bench.cpp.
import { dataset } from '../lib/datasets.mjs'
import { compileProgram, hnswlib, runProgram } from '../lib/kernel-program.mjs'

export function kernel({ data, limit }) {
  const set = dataset(data, limit)
  const { include, source } = hnswlib()
  const program = compileProgram('kernel_bench', include)
  const metric = set.distance === 'Cosine' ? 'cosine' : 'l2'
  return { ...runProgram(program, [set.base, set.queriesFile, set.truth, metric]), hnswlibSource: source }
}
