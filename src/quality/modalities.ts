/** How two vectors of one point, such as a picture's and its text's, lie to each other. */
import { LIMITS } from '../core/limits.js'
import type { QualityReport } from '../core/quality.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import { squaredDistances } from '../native/vectors.js'
import { lengthsOf } from './norms.js'
import { type Subject, sampleOf } from './samples.js'

/** Of many vectors the first pairs are told. */
const MOST_PAIRS = 10

type Modality = QualityReport['modalities'][number]

/** Pairs of vectors that have one row a point and equal dimensions. */
export function comparablePairs(schema: readonly SchemaVector[], vectors: readonly number[]): [number, number][] {
  const dense = vectors.filter((at) => {
    const vector = schema[at] as SchemaVector
    return !isSparse(vector) && !vector.multivectorConfig
  })
  const pairs = dense.flatMap((a, at) => dense.slice(at + 1).map((b): [number, number] => [a, b]))
  return pairs.filter(([a, b]) => schema[a]?.size === schema[b]?.size).slice(0, MOST_PAIRS)
}

/**
 * The distance of the centres of both vectors, scaled to length 1 (V. W. Liang et al., "Mind the gap: understanding the
 * modality gap in multi-modal contrastive representation learning", NeurIPS 2022). And the place of each point's own
 * `b` among all `b` of the sample, by nearness to its `a`. Null if fewer than two points have both.
 */
export async function modalityGap(
  subject: Subject,
  [a, b]: [number, number],
  { sample, seed }: { sample: number; seed: number },
): Promise<Modality | null> {
  const most = Math.min(sample, LIMITS.qualityCompared)
  const { count, dim, vectors } = await sampleOf(subject, { vectors: [a, b], most, seed })
  if (count < 2) return null
  const both = new Float32Array(2 * count * dim)
  for (const [side, data] of vectors.entries()) both.set(unitVectors(data, dim), side * count * dim)
  const ranks = ownPlaces(await squaredDistances(both, dim), count)
  return {
    a: subject.schema[a]?.name as string,
    b: subject.schema[b]?.name as string,
    sampled: count,
    gap: centreDistance(both, count, dim),
    medianRank: ranks.sort()[Math.floor((count - 1) / 2)] as number,
    first: ranks.filter((rank) => rank === 1).length / count,
  }
}

/** Of the square of distances only the part from each `a` to each `b` counts. */
function ownPlaces(squared: Float32Array, count: number): Uint32Array {
  const ranks = new Uint32Array(count).fill(1)
  for (let point = 0; point < count; point++) {
    const row = squared.subarray(point * 2 * count + count, (point + 1) * 2 * count)
    const own = row[point] as number
    for (const other of row) if (other < own) ranks[point] = (ranks[point] as number) + 1
  }
  return ranks
}

function centreDistance(both: Float32Array, count: number, dim: number): number {
  const difference = new Float64Array(dim)
  for (let at = 0; at < both.length; at++) {
    const sign = at < count * dim ? 1 : -1
    difference[at % dim] = (difference[at % dim] as number) + (sign * (both[at] as number)) / count
  }
  return Math.hypot(...difference)
}

function unitVectors(data: Float32Array, dim: number): Float32Array {
  const lengths = lengthsOf(data, dim)
  return data.map((value, at) => value / (lengths[Math.floor(at / dim)] || 1))
}
