/** Joins several vectors into one array, as the kernel expects them. */
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { StoredSparseVector } from '../core/point.js'

export function endToEnd(vectors: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(boundedNumbers(vectors.map(({ length }) => length)))
  let at = 0
  for (const vector of vectors) {
    all.set(vector, at)
    at += vector.length
  }
  return all
}

export function endToEndSparse(vectors: readonly StoredSparseVector[]) {
  const numbers = boundedNumbers(vectors.map(({ indices }) => indices.length))
  const offsets = new Uint32Array(vectors.length + 1)
  const indices = new Uint32Array(numbers)
  const values = new Float32Array(numbers)
  for (const [i, vector] of vectors.entries()) {
    const from = offsets[i] as number
    indices.set(vector.indices, from)
    values.set(vector.values, from)
    offsets[i + 1] = from + vector.indices.length
  }
  return { offsets, indices, values }
}

function boundedNumbers(lengths: readonly number[]): number {
  const numbers = lengths.reduce((sum, length) => sum + length, 0)
  if (numbers <= LIMITS.exampleNumbers) return numbers
  throw invalid('query', `expected at most ${LIMITS.exampleNumbers} numbers in all examples of a query`, numbers)
}
