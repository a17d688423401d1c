/** Points that are near to many others, and points that are near to none. */
import type { Distance } from '../core/schema.js'
import { nearestPlaces } from './neighbours.js'
import { namesOf, type Sample, type Subject } from './samples.js'

/** The length of lists that M. Radovanović uses. */
const NEIGHBOURS = 10
const MOST_HUBS = 10

/**
 * How often each point is in the lists of the ten nearest neighbours of the others, by the skewness of these counts
 * (M. Radovanović, A. Nanopoulos, M. Ivanović, "Hubs in space", JMLR 11, 2010). The lists are exact, among `among` of the
 * sampled points: a point of a sample is in too few lists of a whole collection to be counted.
 */
export async function hubsOf(
  subject: Subject,
  sample: Sample,
  squared: Float32Array,
  among: number,
  metric: Distance,
  lengths: Float64Array,
) {
  const squareOf = (at: number) => (lengths[at] as number) ** 2
  const costOf =
    metric === 'Dot'
      ? (a: number, b: number) => (squared[a * among + b] as number) - squareOf(a) - squareOf(b)
      : (a: number, b: number) => squared[a * among + b] as number
  const inDegrees = new Float64Array(among)
  for (const place of nearestPlaces(among, NEIGHBOURS, costOf)) {
    if (place >= 0) inDegrees[place] = (inDegrees[place] as number) + 1
  }
  const order = Array.from(inDegrees.keys()).sort((a, b) => (inDegrees[b] as number) - (inDegrees[a] as number))
  const first = order.slice(0, MOST_HUBS)
  const ids = await namesOf(subject, sample.ids, first)
  return {
    neighbours: NEIGHBOURS,
    among,
    skew: skewnessOf(inDegrees),
    antihubs: inDegrees.filter((degree) => degree === 0).length / among,
    hubs: first.map((at, place) => ({ id: ids[place] as (typeof ids)[number], count: inDegrees[at] as number })),
  }
}

/** The third standardised moment; 0 of equal values. */
export function skewnessOf(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const moment = (power: number) => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length
  const deviation = Math.sqrt(moment(2))
  return deviation > 0 ? moment(3) / deviation ** 3 : 0
}
