/** The vector that represents a recommendation's examples: the mean of the positives, moved away from the negatives. */
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { StoredSparseVector } from '../core/point.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import { endToEnd } from './end-to-end.js'
import type { VectorValue } from './plan.js'

export function averageOf(
  positives: readonly VectorValue[],
  negatives: readonly VectorValue[],
  vector: SchemaVector,
): VectorValue {
  if (positives.length === 0) {
    throw invalid('query.recommend.positive', 'Positive vectors should not be empty with `average` strategy')
  }
  if (isSparse(vector)) return sparseAverage(positives as StoredSparseVector[], negatives as StoredSparseVector[])
  const [liked, disliked] = [positives as Float32Array[], negatives as Float32Array[]]
  return vector.multivectorConfig ? allVectors(liked, disliked) : average(liked, disliked)
}

/** The mean of the positives plus its difference to the mean of the negatives. */
function average(positives: readonly Float32Array[], negatives: readonly Float32Array[]): Float32Array {
  const positive = mean(positives)
  const negative = negatives.length === 0 ? null : mean(negatives)
  return finite(negative ? positive.map((x, i) => x + x - (negative[i] as number)) : positive)
}

function mean(vectors: readonly Float32Array[]): Float32Array {
  const [first, ...others] = vectors
  const sum = Float32Array.from(first as Float32Array)
  for (const vector of others) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (vector[i] as number)
  return sum.map((x) => x / vectors.length)
}

/** For multivectors: all vectors of the positives, and the negated vectors of the negatives. */
function allVectors(positives: readonly Float32Array[], negatives: readonly Float32Array[]): Float32Array {
  const opposites = negatives.map((vector) => vector.map((x) => -x))
  const all = endToEnd([...positives, ...opposites])
  if (all.length <= LIMITS.multivectorFloats) return all
  const expected = `expected at most ${LIMITS.multivectorFloats} numbers in all multivectors of an average`
  throw invalid('query.recommend', expected, all.length)
}

/** The same for sparse vectors; a missing index counts as 0. */
function sparseAverage(
  positives: readonly StoredSparseVector[],
  negatives: readonly StoredSparseVector[],
): StoredSparseVector {
  const components = [...positives, ...negatives].reduce((sum, { indices }) => sum + indices.length, 0)
  if (components > LIMITS.averageEntries) {
    const expected = `expected at most ${LIMITS.averageEntries} components in all examples of an average`
    throw invalid('query.recommend', expected, components)
  }
  const positive = sparseMean(positives)
  if (negatives.length === 0) return sorted(positive)
  const negative = sparseMean(negatives)
  const moved = new Map<number, number>()
  for (const index of new Set([...positive.keys(), ...negative.keys()])) {
    const value = positive.get(index) ?? 0
    moved.set(index, Math.fround(Math.fround(value + value) - (negative.get(index) ?? 0)))
  }
  return sorted(moved)
}

function sparseMean(vectors: readonly StoredSparseVector[]): Map<number, number> {
  const sums = new Map<number, number>()
  for (const { indices, values } of vectors) {
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number
      sums.set(index, Math.fround((sums.get(index) ?? 0) + (values[i] as number)))
    }
  }
  for (const [index, sum] of sums) sums.set(index, Math.fround(sum / vectors.length))
  return sums
}

function sorted(components: ReadonlyMap<number, number>): StoredSparseVector {
  const indices = Uint32Array.from(components.keys()).sort()
  return { indices, values: finite(Float32Array.from(indices, (index) => components.get(index) as number)) }
}

function finite(values: Float32Array): Float32Array {
  const wrong = values.findIndex((x) => !Number.isFinite(x))
  if (wrong < 0) return values
  throw invalid('query.recommend', 'expected vectors whose average is finite', values[wrong])
}
