/** Lengths of vectors, and dimensions that never vary. */
import type { Static } from 'typebox'
import type { NormQuality } from '../core/quality.js'

const PARTS = 20
const MOST_TOLD = 100

/** The Euclidean length of each of the vectors. */
export function lengthsOf(vectors: Float32Array, dim: number): Float64Array {
  const lengths = new Float64Array(vectors.length / dim)
  for (let at = 0; at < lengths.length; at++) {
    let sum = 0
    for (let place = at * dim; place < (at + 1) * dim; place++) sum += (vectors[place] as number) ** 2
    lengths[at] = Math.sqrt(sum)
  }
  return lengths
}

/** `isScaled`: Cosine has scaled the vectors to length 1, so all lengths but 0 are 1. */
export function normsOf(lengths: Float64Array, isScaled: boolean): Static<typeof NormQuality> {
  const sorted = lengths.slice().sort()
  const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] as number
  const [least, greatest] = [quantile(0), quantile(1)]
  const mean = sum(sorted) / sorted.length
  const variance = sorted.reduce((total, length) => total + (length - mean) ** 2, 0) / sorted.length
  const histogram = new Array<number>(PARTS).fill(0)
  for (const length of sorted) {
    const part = greatest > least ? Math.floor(((length - least) / (greatest - least)) * PARTS) : 0
    histogram[Math.min(PARTS - 1, part)] = (histogram[Math.min(PARTS - 1, part)] as number) + 1
  }
  return {
    measured: isScaled ? 'scaled' : 'stored',
    zero: sorted.filter((length) => length === 0).length,
    mean,
    deviation: Math.sqrt(variance),
    least,
    q05: quantile(0.05),
    median: quantile(0.5),
    q95: quantile(0.95),
    greatest,
    histogram,
  }
}

/** Dimensions that have one value in all of the vectors; the first of them by number. */
export function constantDimensions(vectors: Float32Array, dim: number): { count: number; dimensions: number[] } {
  const varies = new Uint8Array(dim)
  for (let place = dim; place < vectors.length; place++) {
    if (vectors[place] !== vectors[place % dim]) varies[place % dim] = 1
  }
  const constant: number[] = []
  for (let at = 0; at < dim; at++) if (!varies[at]) constant.push(at)
  return { count: constant.length, dimensions: constant.slice(0, MOST_TOLD) }
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
