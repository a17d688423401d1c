// The results of `--parts micro`: by kernel and dimension, nanoseconds a distance by where rows lie, and their share of
// the load bandwidth of that place. Where it is near 100 %, only fewer bytes make a distance cheaper.
import { fixed, table } from './table.mjs'

const PLACES = ['L2', 'L3', 'RAM']
/** The instruction sets that a kernel has no use of are measured too, but only the best is printed. */
const ORDER = ['scalar', 'neon', 'avx2', 'avx512', 'avx512vnni']

export function microReport({ bandwidth, kernels }) {
  const limits = PLACES.map((place) => `${place} ${fixed(bandwidth[place], 1)} GB/s`).join(', ')
  const best = (one) =>
    !kernels.some(
      (other) =>
        other.kernel === one.kernel && other.dim === one.dim && ORDER.indexOf(other.isa) > ORDER.indexOf(one.isa),
    )
  const cell = ({ bytes, ...ns }, place) => {
    const share = bytes / ns[place] / bandwidth[place]
    return `${fixed(ns[place], 1)} (${fixed(bytes / ns[place], 1)} GB/s, ${Math.round(share * 100)} %)`
  }
  const rows = kernels
    .filter(best)
    .sort((a, b) => (a.kernel === b.kernel ? a.dim - b.dim : a.kernel < b.kernel ? -1 : 1))
    .map((row) => [row.kernel, row.isa, row.dim, row.bytes, ...PLACES.map((place) => cell(row, place))])
  const heads = ['kernel', 'instructions', 'dimensions', 'bytes a row', ...PLACES.map((place) => `ns from ${place}`)]
  return `## Kernels beside the machine's limit\n\nLoads of one core, in sequence: ${limits}. Rows at random, 32 a call.\n\n${table(heads, rows)}`
}
