/** The intrinsic dimension of data, which may be far below the number of its coordinates. */
import type { Neighbours } from './neighbours.js'

/** A neighbour nearer than this share of the farthest one is the same point, as far as floats can tell. */
const LEAST_SHARE = 1e-6
const LEAST_NEIGHBOURS = 3

export interface IntrinsicDimension {
  value: number
  standardError: number
  neighbours: number
  points: number
}

/**
 * The maximum likelihood estimate of E. Levina and P. Bickel ("Maximum likelihood estimation of intrinsic dimension",
 * NIPS 2004), with D. MacKay's and Z. Ghahramani's correction (2005): the inverse estimates of the points are averaged,
 * and not the estimates. With the distances T1 ≤ … ≤ Tk of a point to its neighbours, its inverse estimate is the mean of
 * ln(Tk / Tj) over j < k. Neighbours at a distance of `least` or less are the point itself and left out.
 *
 * Null without points that have enough different neighbours.
 */
export function intrinsicDimension(lists: Neighbours, least = 0): IntrinsicDimension | null {
  const inverses: number[] = []
  for (let at = 0; at < lists.counts.length; at++) {
    const from = at * lists.length
    const all = lists.distances.subarray(from, from + (lists.counts[at] as number))
    const farthest = all[all.length - 1] ?? 0
    const nearer = all.subarray(0, -1).filter((distance) => distance > least && distance > LEAST_SHARE * farthest)
    if (nearer.length < LEAST_NEIGHBOURS) continue
    const sum = nearer.reduce((total, distance) => total + Math.log(farthest / distance), 0)
    inverses.push(sum / nearer.length)
  }
  const mean = inverses.reduce((total, inverse) => total + inverse, 0) / inverses.length
  if (!(mean > 0)) return null
  const variance = inverses.reduce((total, inverse) => total + (inverse - mean) ** 2, 0) / inverses.length
  return {
    value: 1 / mean,
    // By the delta method, from the error of the mean inverse.
    standardError: Math.sqrt(variance / inverses.length) / mean ** 2,
    neighbours: lists.length,
    points: inverses.length,
  }
}
