/** Builds the kernel's request of a query by several vectors, once ids are replaced by vectors. */
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { StoredSparseVector } from '../core/point.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import type { Combination, Examples, SparseExamples } from '../native/addon.js'
import type { ExamplePair, Naive, Stage, VectorsScoring, VectorValue } from './plan.js'
import type { References } from './references.js'

const NO_WEIGHTS = new Float32Array(0)

/** One vector whose neighbours are searched, or several vectors that score together. */
export type Target = DenseTarget | SparseTarget
export type DenseTarget = { query: Float32Array } | { examples: Examples }
export type SparseTarget =
  | { sparse: StoredSparseVector }
  | { text: string; textOptions: Uint8Array }
  | { sparseExamples: SparseExamples }

export function targetOf(stage: Stage, scoring: VectorsScoring, references: References, vector: SchemaVector): Target {
  switch (scoring.kind) {
    case 'recommend':
      return recommended(stage, scoring, references, vector)
    case 'discover': {
      const pairs = pairVectors(stage, scoring.pairs, references)
      return together('discover', [references.get(stage, scoring.target), ...pairs], vector)
    }
    case 'context':
      return together('context', pairVectors(stage, scoring.pairs, references), vector)
    case 'feedback':
      return byFeedback(stage, scoring, references, vector)
  }
}

export function nearestTo(value: VectorValue): Target {
  return value instanceof Float32Array ? { query: value } : { sparse: value }
}

/** Examples whose points lack the vector are ignored. */
function recommended(
  stage: Stage,
  { strategy, positive, negative }: Extract<VectorsScoring, { kind: 'recommend' }>,
  references: References,
  vector: SchemaVector,
): Target {
  const positives = positive.flatMap((example) => references.find(stage, example) ?? [])
  const negatives = negative.flatMap((example) => references.find(stage, example) ?? [])
  if (strategy === 'average_vector') return nearestTo(averageOf(positives, negatives, vector))
  const combine = strategy === 'best_score' ? 'bestScore' : 'sumScores'
  return together(combine, [...positives, ...negatives], vector, positives.length)
}

function pairVectors(stage: Stage, pairs: readonly ExamplePair[], references: References): VectorValue[] {
  return pairs.flatMap(({ positive, negative }) => [references.get(stage, positive), references.get(stage, negative)])
}

/**
 * Scores by feedback. For each pair of items with different ratings, a point gains by its greater nearness to the
 * better item, times their difference. The sum over pairs is a sum over items: each pair adds its weight to one item
 * and subtracts it from the other.
 */
function byFeedback(
  stage: Stage,
  { target, feedback, naive }: Extract<VectorsScoring, { kind: 'feedback' }>,
  references: References,
  vector: SchemaVector,
): Target {
  const weights = new Float64Array(feedback.length + 1)
  weights[0] = naive.a
  for (const [i, better] of feedback.entries()) {
    for (const [j, worse] of feedback.entries()) {
      const confidence = Math.fround(better.score) - Math.fround(worse.score)
      if (!(confidence > 0)) continue
      const weight = pairWeight(Math.fround(confidence), naive)
      weights[i + 1] = (weights[i + 1] as number) + weight
      weights[j + 1] = (weights[j + 1] as number) - weight
    }
  }
  const vectors = [target, ...feedback.map(({ example }) => example)].map((one) => references.get(stage, one))
  return together('feedback', vectors, vector, 0, Float32Array.from(weights, finiteWeight))
}

function pairWeight(confidence: number, { b, c }: Naive): number {
  return finiteWeight(Math.fround(confidence ** b * c))
}

function finiteWeight(weight: number): number {
  if (Number.isFinite(Math.fround(weight))) return weight
  throw invalid('query.relevanceFeedback.strategy.naive', 'expected coefficients that give finite weights', weight)
}

function together(
  combine: Combination['combine'],
  values: readonly VectorValue[],
  vector: SchemaVector,
  positives = 0,
  weights = NO_WEIGHTS,
): Target {
  const combination = { combine, positives, weights }
  if (isSparse(vector)) {
    return { sparseExamples: { ...combination, ...endToEndSparse(values as StoredSparseVector[]) } }
  }
  const dense = values as Float32Array[]
  const vectors = endToEnd(dense)
  if (!vector.multivectorConfig) return { examples: { ...combination, vectors } }
  const counts = Uint32Array.from(dense, ({ length }) => length / vector.size)
  return { examples: { ...combination, vectors, counts } }
}

/** The vector that represents a recommendation's examples: the mean of the positives, moved away from the negatives. */
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

function endToEnd(vectors: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(boundedNumbers(vectors.map(({ length }) => length)))
  let at = 0
  for (const vector of vectors) {
    all.set(vector, at)
    at += vector.length
  }
  return all
}

function endToEndSparse(vectors: readonly StoredSparseVector[]) {
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
