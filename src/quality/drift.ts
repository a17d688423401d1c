/** Tests whether new points are like a reference's. */
import type { Static } from 'typebox'
import { LIMITS } from '../core/limits.js'
import type { DriftQuality } from '../core/quality.js'
import type { Distance } from '../core/schema.js'
import { squaredDistances } from '../native/vectors.js'
import { lengthsOf } from './norms.js'
import { type Labels, permutationTest, splitBySplit } from './permutations.js'
import { Random } from './random.js'
import { type Population, type Subject, sampleOf } from './samples.js'
import {
  bestBound,
  byNovelty,
  energyCoefficient,
  neighbourAuc,
  orderOf,
  ownNeighbours,
  pooledLists,
  rankErrors,
} from './two-samples.js'

const ALARM = 0.01
const LEAST_POINTS = 20
/** Lengths that deviate less than this share of their mean are one length, but for the rounding of floats. */
const ROUNDING = 1e-5

/** Vectors of one side. */
export interface Side {
  /** The compared vectors, end to end. */
  readonly vectors: Float32Array
  /** The lengths of these vectors, and of more. */
  readonly lengths: Float64Array
}

/** Compares the points of the reference with all others. Returns why, where it cannot. */
export async function driftOf(
  subject: Subject,
  vector: number,
  metric: Distance,
  { reference, current }: { reference: Population; current: Population },
  seed: number,
): Promise<Static<typeof DriftQuality> | string> {
  const sides = {
    reference: await sideOf(subject, vector, reference, seed),
    current: await sideOf(subject, vector, current, seed + 1),
  }
  const dim = subject.schema[vector]?.size as number
  for (const [name, { vectors }] of Object.entries(sides)) {
    const count = vectors.length / dim
    if (count < LEAST_POINTS) return `the ${name} points with this vector are ${count}, expected ${LEAST_POINTS}`
  }
  return await difference(sides.reference, sides.current, { dim, metric, seed, signal: subject.signal })
}

async function sideOf(subject: Subject, vector: number, population: Population, seed: number): Promise<Side> {
  const wanted = { vectors: [vector], most: LIMITS.qualitySample, seed }
  const { vectors, dim } = await sampleOf(subject, wanted, population)
  const [data] = vectors as [Float32Array]
  return { vectors: data.slice(0, LIMITS.qualityCompared * dim), lengths: lengthsOf(data, dim) }
}

/**
 * Tests whether two samples come from one distribution: by their neighbours, by the distance to the reference, by
 * energy distance, and, where the metric keeps lengths, by lengths. The p-value is the least of all tests, times their
 * number (Bonferroni).
 */
export async function difference(
  reference: Side,
  current: Side,
  { dim, metric, seed, signal }: { dim: number; metric: Distance; seed: number; signal: AbortSignal },
): Promise<Static<typeof DriftQuality>> {
  const random = new Random(seed)
  const counts = { reference: reference.vectors.length / dim, current: current.vectors.length / dim }
  const count = counts.reference + counts.current
  const pooled = new Float32Array(count * dim)
  pooled.set(reference.vectors)
  pooled.set(current.vectors, reference.vectors.length)
  const labels = labelsOf(counts.reference, counts.current)
  const distances = await squaredDistances(pooled, dim)
  const lists = pooledLists(count, distances)
  const test = (statistic: (labels: Labels) => number, size = count) => splitBySplit(signal, size, statistic)
  const classifier = await permutationTest(labels, random, test(ownNeighbours(lists)))
  const novelty = {
    ...(await permutationTest(
      labels,
      random,
      test((split) => bestBound(byNovelty(lists, split)).errors),
    )),
    effect: bestBound(byNovelty(lists, labels)).difference,
  }
  // In place: nobody needs the squares any more.
  for (let at = 0; at < distances.length; at++) distances[at] = Math.sqrt(distances[at] as number)
  const energy = await permutationTest(labels, random, energyCoefficient(count, distances))
  const norms = metric === 'Cosine' ? null : await normDifference(reference.lengths, current.lengths, random, signal)
  const tests = [classifier, novelty, energy, ...(norms ? [norms] : [])]
  const pValue = Math.min(1, Math.min(...tests.map((each) => each.pValue)) * tests.length)
  const auc = neighbourAuc(lists, labels)
  return {
    ...counts,
    drifted: pValue < ALARM,
    pValue,
    auc,
    classifier: { pValue: classifier.pValue, effect: 2 * auc - 1 },
    novelty: { pValue: novelty.pValue, effect: novelty.effect },
    energy: { pValue: energy.pValue, effect: energy.statistic },
    ...(norms ? { norms } : {}),
  }
}

/** Null where all have one length. */
async function normDifference(
  reference: Float64Array,
  current: Float64Array,
  random: Random,
  signal: AbortSignal,
): Promise<{ pValue: number; effect: number } | null> {
  const values = new Float64Array(reference.length + current.length)
  values.set(reference)
  values.set(current, reference.length)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.every((value) => Math.abs(value - mean) <= ROUNDING * mean)) return null
  const order = orderOf(values)
  const labels = labelsOf(reference.length, current.length)
  const statistic = splitBySplit(signal, labels.length, (split) => {
    const inOrder = order(split)
    // A few that are far off, or many that are a little: either is drift.
    return Math.max(bestBound(inOrder).errors, rankErrors(inOrder))
  })
  const { pValue } = await permutationTest(labels, random, statistic)
  return { pValue, effect: bestBound(order(labels)).difference }
}

function labelsOf(reference: number, current: number): Uint8Array {
  return new Uint8Array(reference + current).fill(1, reference)
}
