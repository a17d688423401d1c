/** The figures of one vector, all from one sample and from the lists of its nearest neighbours. */

import { LIMITS } from '../core/limits.js'
import type { QualityReport, VectorQuality } from '../core/quality.js'
import { type Distance, isSparse, type ResolvedVector, type SchemaVector } from '../core/schema.js'
import { squaredDistances } from '../native/vectors.js'
import { driftOf } from './drift.js'
import { nearDuplicates, type Threshold } from './duplicates.js'
import { hubsOf } from './hubs.js'
import { intrinsicDimension } from './intrinsic-dimension.js'
import { comparablePairs, modalityGap } from './modalities.js'
import { distanceBy, type Neighbours, neighboursAmong, neighboursOf } from './neighbours.js'
import { constantDimensions, lengthsOf, normsOf } from './norms.js'
import { type Population, type Sample, type Subject, sampleOf } from './samples.js'

/** Neighbours of each point: of intrinsic dimension estimates usual, and enough for groups of duplicates. */
const NEIGHBOURS = 20
/** Default of the threshold under Cosine. */
const COSINE_THRESHOLD = 0.99
/** The same for distances, as a share of the median distance of two sampled points. Under Cosine it is about the same. */
const DISTANCE_SHARE = 0.1
/** Under Dot lengths that deviate less than this share of their mean are one length. */
const ONE_LENGTH = 0.01
const DIGITS = 6
/** Nearer than this under Cosine, float32 scores do not tell two vectors apart. */
const LEAST_CHORD = 1e-3

/** The options of a report, with defaults. */
export interface Asked {
  /** Indexes into the schema. */
  readonly vectors: readonly number[]
  readonly sample: number
  readonly seed: number
  readonly threshold: number | null
  /** The points to compare the others with; null: none. */
  readonly reference: { readonly reference: Population; readonly current: Population } | null
}

type Vector = VectorQuality

/** The figures of all vectors asked for. The caller adds the figures that it knows. */
export async function figuresOf(
  subject: Subject,
  asked: Asked,
): Promise<Pick<QualityReport, 'vectors' | 'modalities' | 'skipped'>> {
  const vectors: Vector[] = []
  const skipped: QualityReport['skipped'] = []
  for (const vector of asked.vectors) {
    const told = subject.schema[vector] as SchemaVector
    const why = whySkipped(told)
    if (why) skipped.push({ name: told.name, why })
    else vectors.push(await vectorQuality(subject, vector, asked))
  }
  const modalities: QualityReport['modalities'] = []
  for (const pair of comparablePairs(subject.schema, asked.vectors)) {
    const told = await modalityGap(subject, pair, asked)
    if (told) modalities.push(told)
  }
  return rounded({ vectors, modalities, skipped })
}

/** Figures of a sample have few digits that mean something. */
function rounded<T>(value: T): T {
  if (typeof value === 'number') return (Number.isInteger(value) ? value : Number(value.toPrecision(DIGITS))) as T
  if (Array.isArray(value)) return value.map(rounded) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, rounded(part)])) as T
}

function whySkipped(vector: SchemaVector): string | null {
  if (isSparse(vector)) return 'sparse vectors have no lengths and dimensions to compare'
  return vector.multivectorConfig ? 'multivectors have several rows a point' : null
}

async function vectorQuality(subject: Subject, vector: number, asked: Asked): Promise<Vector> {
  const { name, size, distance } = subject.schema[vector] as ResolvedVector
  const sample = await sampleOf(subject, { vectors: [vector], most: asked.sample, seed: asked.seed })
  const count = subject.shard.stats().vectors[vector]?.live ?? sample.count
  const notes: string[] = []
  const told = { name, size, distance, count, sampled: sample.count }
  if (sample.count < 2) return { ...told, notes: ['it has fewer than two points'] }
  const [data] = sample.vectors as [Float32Array]
  const lengths = lengthsOf(data, size)
  const norms = normsOf(lengths, distance === 'Cosine')
  if (norms.measured === 'scaled') {
    notes.push('norms: Cosine scales vectors to length 1 before they are stored, so their own lengths are not known')
  }
  const among = Math.min(sample.count, LIMITS.qualityCompared)
  const squared = await squaredDistances(data.subarray(0, among * size), size)
  const seen = { vector, metric: distance, sample, squared, among, norm: norms.mean }
  const isOneLength = norms.deviation <= ONE_LENGTH * norms.mean
  const lists = await listsOf(subject, seen, count, distance !== 'Dot' || isOneLength, notes)
  const threshold = thresholdOf(seen, asked.threshold, lists.isBySample)
  const dimension = intrinsicDimension(lists.lists, distance === 'Cosine' ? LEAST_CHORD : 0)
  if (!dimension) notes.push('intrinsic_dimension: the points have too few different neighbours')
  const { reference } = asked
  const drift = reference ? await driftOf(subject, vector, distance, reference, asked.seed) : null
  if (typeof drift === 'string') notes.push(`drift: ${drift}`)
  else if (drift && distance === 'Cosine') notes.push('drift: not by lengths, which Cosine has scaled to 1')
  if (distance === 'Manhattan') notes.push('hubs: by Euclidean distance')
  return {
    ...told,
    norms,
    constantDimensions: constantDimensions(data, size),
    ...(dimension ? { intrinsicDimension: dimension } : {}),
    nearDuplicates: await nearDuplicates(subject, sample, lists.lists, threshold, lists.among),
    hubs: await hubsOf(subject, sample, squared, among, distance, lengths),
    ...(drift && typeof drift !== 'string' ? { drift } : {}),
    notes,
  }
}

interface Seen {
  readonly vector: number
  readonly metric: Distance
  readonly sample: Sample
  readonly squared: Float32Array
  /** Points of the sample that were compared with each other. */
  readonly among: number
  /** Their mean length. */
  readonly norm: number
}

/**
 * The neighbours among all points, by the index. Under Dot they are the points with the greatest products, and these are
 * the nearest only if all have one length. Else the sampled points are compared with each other.
 */
async function listsOf(
  subject: Subject,
  { vector, metric, sample, squared, among, norm }: Seen,
  count: number,
  isByIndex: boolean,
  notes: string[],
): Promise<{ lists: Neighbours; among: number; isBySample: boolean }> {
  if (isByIndex) {
    const lists = await neighboursOf(subject, vector, sample, NEIGHBOURS, distanceBy(metric, norm))
    return { lists, among: count, isBySample: false }
  }
  notes.push(
    'near_duplicates, intrinsic_dimension: the lengths of vectors differ, so Dot finds no neighbours; sampled points were compared by Euclidean distance',
  )
  return { lists: neighboursAmong(sample, among, squared, NEIGHBOURS), among, isBySample: true }
}

function thresholdOf({ metric, squared, among, norm }: Seen, given: number | null, isBySample: boolean): Threshold {
  const isSimilarity = (metric === 'Cosine' || metric === 'Dot') && !isBySample
  if (given !== null) return { score: given, isSimilarity }
  if (metric === 'Cosine') return { score: COSINE_THRESHOLD, isSimilarity }
  if (isSimilarity) return { score: COSINE_THRESHOLD * norm * norm, isSimilarity }
  return { score: DISTANCE_SHARE * medianDistance(squared, among), isSimilarity }
}

/** The median distance of two different points, by pairs that are adjacent in the random order of the sample. */
function medianDistance(squared: Float32Array, count: number): number {
  const distances = new Float64Array(count)
  for (let at = 0; at < count; at++) distances[at] = Math.sqrt(squared[at * count + ((at + 1) % count)] as number)
  return distances.sort()[Math.floor(count / 2)] as number
}
