/** What a query by several vectors asks of the kernel, once its ids stand for vectors. */
import { invalid } from '../core/errors.js'
import type { Examples } from '../native/addon.js'
import type { ExamplePair, Naive, Stage, VectorsScoring } from './plan.js'
import type { References } from './references.js'

/** Pairs that relevance feedback is made into: those that differ most. */
const MOST_FEEDBACK_PAIRS = 3
const NO_WEIGHTS = new Float32Array(0)

/** One vector to search neighbours of, or several that score together. */
export type Target = { query: Float32Array; examples?: undefined } | { query?: undefined; examples: Examples }

export function targetOf(stage: Stage, scoring: VectorsScoring, references: References): Target {
  switch (scoring.kind) {
    case 'recommend':
      return recommended(stage, scoring, references)
    case 'discover': {
      const pairs = pairVectors(stage, scoring.pairs, references)
      return together('discover', [references.get(stage, scoring.target), ...pairs], 0)
    }
    case 'context':
      return together('context', pairVectors(stage, scoring.pairs, references), 0)
    case 'feedback':
      return byFeedback(stage, scoring, references)
  }
}

/** Points that lack the vector say nothing. */
function recommended(
  stage: Stage,
  { strategy, positive, negative }: Extract<VectorsScoring, { kind: 'recommend' }>,
  references: References,
): Target {
  const positives = positive.flatMap((example) => references.find(stage, example) ?? [])
  const negatives = negative.flatMap((example) => references.find(stage, example) ?? [])
  if (strategy === 'average_vector') return { query: average(positives, negatives) }
  return together(strategy === 'best_score' ? 'bestScore' : 'sumScores', [...positives, ...negatives], positives.length)
}

/** The mean of the positives, moved away from that of the negatives by as far as they lie apart. */
function average(positives: readonly Float32Array[], negatives: readonly Float32Array[]): Float32Array {
  const positive = mean(positives)
  if (!positive)
    throw invalid('query.recommend.positive', 'Positive vectors should not be empty with `average` strategy')
  const negative = mean(negatives)
  const query = negative ? positive.map((x, i) => x + x - (negative[i] as number)) : positive
  const wrong = query.findIndex((x) => !Number.isFinite(x))
  if (wrong >= 0) throw invalid('query.recommend', 'expected vectors whose average is finite', query[wrong])
  return query
}

function mean(vectors: readonly Float32Array[]): Float32Array | null {
  const [first, ...others] = vectors
  if (!first) return null
  const sum = Float32Array.from(first)
  for (const vector of others) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (vector[i] as number)
  return sum.map((x) => x / vectors.length)
}

function pairVectors(stage: Stage, pairs: readonly ExamplePair[], references: References): Float32Array[] {
  return pairs.flatMap(({ positive, negative }) => [references.get(stage, positive), references.get(stage, negative)])
}

/** The best rated with the worst, the second with the second last, and so on: what tells most of what is wanted. */
function byFeedback(
  stage: Stage,
  { target, feedback, naive }: Extract<VectorsScoring, { kind: 'feedback' }>,
  references: References,
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
  return together('feedback', vectors, 0, Float32Array.from(weights))
}

function pairWeight(confidence: number, { b, c }: Naive): number {
  const weight = Math.fround(confidence ** b * c)
  if (Number.isFinite(weight)) return weight
  throw invalid('query.relevance_feedback.strategy.naive', 'expected coefficients that give finite weights', weight)
}

function together(
  combine: Examples['combine'],
  vectors: readonly Float32Array[],
  positives: number,
  weights = NO_WEIGHTS,
): Target {
  const size = vectors[0]?.length ?? 0
  const all = new Float32Array(vectors.length * size)
  for (const [i, vector] of vectors.entries()) all.set(vector, i * size)
  return { examples: { combine, vectors: all, positives, weights } }
}
