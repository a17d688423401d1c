/** What a query by several vectors asks of the kernel, once its ids stand for vectors. */
import { invalid } from '../core/errors.js'
import type { StoredSparseVector } from '../core/point.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import type { Combination, Examples, SparseExamples } from '../native/addon.js'
import { averageOf } from './average.js'
import { endToEnd, endToEndSparse } from './end-to-end.js'
import type { ExamplePair, Naive, Stage, VectorsScoring, VectorValue } from './plan.js'
import type { References } from './references.js'

/** Pairs that relevance feedback is made into: those that differ most. */
const MOST_FEEDBACK_PAIRS = 3
const NO_WEIGHTS = new Float32Array(0)

/** One vector to search neighbours of, or several that score together. */
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

/** Points that lack the vector say nothing. */
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

/** The best rated with the worst, the second with the second last, and so on: what tells most of what is wanted. */
function byFeedback(
  stage: Stage,
  { target, feedback, naive }: Extract<VectorsScoring, { kind: 'feedback' }>,
  references: References,
  vector: SchemaVector,
): Target {
  const rated = feedback
    .map(({ example, score }) => ({ vector: references.get(stage, example), score }))
    .sort((a, b) => b.score - a.score)
  const vectors = [references.get(stage, target)]
  const weights = [naive.a]
  for (let i = 0; i < Math.min(MOST_FEEDBACK_PAIRS, Math.floor(rated.length / 2)); i++) {
    const [front, back] = [rated[i], rated[rated.length - 1 - i]] as [(typeof rated)[0], (typeof rated)[0]]
    vectors.push(front.vector, back.vector)
    weights.push(pairWeight(front.score - back.score, naive))
  }
  return together('feedback', vectors, vector, 0, Float32Array.from(weights))
}

function pairWeight(confidence: number, { b, c }: Naive): number {
  const weight = Math.fround(confidence ** b * c)
  if (Number.isFinite(weight)) return weight
  throw invalid('query.relevance_feedback.strategy.naive', 'expected coefficients that give finite weights', weight)
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
