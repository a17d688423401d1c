/** Builds the kernel's request of a query by several vectors, once ids are replaced by vectors. */
import { invalid } from '../core/errors.js'
import type { StoredSparseVector } from '../core/point.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import type { Combination, Examples, SparseExamples } from '../native/addon.js'
import { averageOf } from './average.js'
import { endToEnd, endToEndSparse } from './end-to-end.js'
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
