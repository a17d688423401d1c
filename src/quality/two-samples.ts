/** Statistics that are great where two samples differ. Each takes the labels of the pooled points. */
import { sumsWithin } from '../native/vectors.js'
import { nearestPlaces } from './neighbours.js'
import type { Labels, Statistic } from './permutations.js'

const NEIGHBOURS = 20

/** For each pooled point its nearest others, nearest first. */
export interface PooledLists {
  readonly count: number
  readonly length: number
  /** `length` places of points for each point, and the squared distances to them. */
  readonly places: Int32Array
  readonly squared: Float32Array
  /** The squared distances of all points to each other. */
  readonly all: Float32Array
}

export function pooledLists(count: number, squared: Float32Array): PooledLists {
  const length = Math.min(NEIGHBOURS, count - 1)
  const places = nearestPlaces(count, length, (a, b) => squared[a * count + b] as number)
  const nearest = new Float32Array(count * length)
  for (let at = 0; at < nearest.length; at++) {
    nearest[at] = squared[Math.floor(at / length) * count + (places[at] as number)] as number
  }
  return { count, length, places, squared: nearest, all: squared }
}

/**
 * The share of neighbours that are of their point's own sample (M. Schilling, "Multivariate two-sample tests based on
 * nearest neighbors", JASA 81, 1986).
 */
export function ownNeighbours({ count, length, places }: PooledLists): (labels: Labels) => number {
  return (labels) => {
    let own = 0
    for (let at = 0; at < places.length; at++) {
      if (labels[places[at] as number] === labels[Math.floor(at / length)]) own++
    }
    return own / (count * length)
  }
}

/**
 * The AUC of a classifier that tells current points from the reference's: its score of a point is the number of current
 * neighbours (D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017). Unlike
 * a logistic regression it sees differences that no plane separates, such as a new cluster amid the old ones. It needs no
 * training set apart, and its lists serve each split.
 */
export function neighbourAuc({ count, length, places }: PooledLists, labels: Labels): number {
  const current = new Float64Array(length + 1)
  const reference = new Float64Array(length + 1)
  for (let point = 0; point < count; point++) {
    let score = 0
    for (let at = point * length; at < (point + 1) * length; at++) score += labels[places[at] as number] as number
    const scores = labels[point] ? current : reference
    scores[score] = (scores[score] as number) + 1
  }
  let [below, positive, negative] = [0, 0, 0]
  for (let score = 0; score <= length; score++) {
    const [more, less] = [current[score] as number, reference[score] as number]
    below += more * (negative + less / 2)
    positive += more
    negative += less
  }
  return below / (positive * negative)
}

/** Labels in ascending order of some number of theirs, with the last of each run of equal numbers marked. */
export interface Ordered {
  readonly labels: Labels
  readonly endsRun: Uint8Array
}

/**
 * The points in the order of their distances to the nearest other point of the reference: new kinds of points are last.
 */
export function byNovelty(lists: PooledLists, labels: Labels): Ordered {
  const { count } = lists
  const sides = [new Float32Array(count), new Float32Array(count)] as const
  const sizes: [number, number] = [0, 0]
  for (let point = 0; point < count; point++) {
    const side = labels[point] as 0 | 1
    sides[side][sizes[side]++] = toReference(lists, labels, point)
  }
  const [reference, current] = sides.map((side, at) => side.subarray(0, sizes[at]).sort()) as [
    Float32Array,
    Float32Array,
  ]
  const merged = { labels: new Uint8Array(count), endsRun: new Uint8Array(count) }
  let [a, b] = [0, 0]
  for (let at = 0; at < count; at++) {
    const isCurrent = b < current.length && (a >= reference.length || (current[b] as number) < (reference[a] as number))
    const value = isCurrent ? current[b++] : reference[a++]
    merged.labels[at] = isCurrent ? 1 : 0
    merged.endsRun[at] = value === current[b] || value === reference[a] ? 0 : 1
  }
  return merged
}

/** The squared distance of a point to the nearest other one of the reference, which may be in no list of a new cluster. */
function toReference({ count, length, places, squared, all }: PooledLists, labels: Labels, point: number): number {
  for (let at = point * length; at < (point + 1) * length; at++) {
    if (labels[places[at] as number] === 0) return squared[at] as number
  }
  let least = Number.POSITIVE_INFINITY
  for (let other = 0; other < count; other++) {
    if (labels[other] === 0 && other !== point) least = Math.min(least, all[point * count + other] as number)
  }
  return least
}

/** The order of numbers, for any labels of them. */
export function orderOf(values: Float64Array): (labels: Labels) => Ordered {
  const places = Uint32Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number))
  const endsRun = new Uint8Array(values.length)
  for (let at = 0; at < values.length; at++) {
    endsRun[at] = values[places[at] as number] === values[places[at + 1] as number] ? 0 : 1
  }
  const inOrder = new Uint8Array(values.length)
  return (labels) => {
    for (let at = 0; at < values.length; at++) inOrder[at] = labels[places[at] as number] as number
    return { labels: inOrder, endsRun }
  }
}

/**
 * The bound that tells the samples apart best: the difference of their shares below it, and that difference in standard
 * errors (R. Miller and D. Siegmund, "Maximally selected chi square statistics", Biometrics 38, 1982). Where a tenth of one
 * sample is beyond all others, that bound is found, and the difference is 0.1. Means over all bounds, such as the statistic
 * of Anderson and Darling, need about twice as many points to see it.
 */
export function bestBound({ labels, endsRun }: Ordered): { errors: number; difference: number } {
  const count = labels.length
  const all = labels.reduce((sum, label) => sum + label, 0)
  const best = { errors: 0, difference: 0 }
  let current = 0
  for (let at = 0; at < count - 1; at++) {
    current += labels[at] as number
    if (!endsRun[at]) continue
    const seen = at + 1
    const difference = Math.abs(current / all - (seen - current) / (count - all))
    const share = seen / count
    const errors = difference / Math.sqrt(share * (1 - share) * (1 / all + 1 / (count - all)))
    if (errors > best.errors) Object.assign(best, { errors, difference })
  }
  return best
}

/** How far the mean ranks of the samples are apart, in standard errors (Wilcoxon, Mann and Whitney). */
export function rankErrors({ labels, endsRun }: Ordered): number {
  const count = labels.length
  const all = labels.reduce((sum, label) => sum + label, 0)
  const others = count - all
  let [above, belowOthers, current, reference] = [0, 0, 0, 0]
  for (let at = 0; at < count; at++) {
    if (labels[at]) current++
    else reference++
    if (!endsRun[at]) continue
    above += current * (belowOthers + reference / 2)
    belowOthers += reference
    current = 0
    reference = 0
  }
  return Math.abs(above / (all * others) - 0.5) / Math.sqrt((count + 1) / (12 * all * others))
}

/**
 * The energy coefficient (G. Székely and M. Rizzo, "Energy statistics", J. Statist. Plann. Inference 143, 2013): twice the
 * mean distance between the samples, less the mean distances within each, as a share of the first. It is 0 only for equal
 * distributions, and 1 for two points apart. `distances` are not squared.
 */
export function energyCoefficient(count: number, distances: Float32Array): Statistic {
  const rowSums = new Float64Array(count)
  for (let row = 0; row < count; row++) {
    let sum = 0
    for (let at = row * count; at < (row + 1) * count; at++) sum += distances[at] as number
    rowSums[row] = sum
  }
  const total = rowSums.reduce((sum, row) => sum + row, 0)
  return async (labels) => {
    const sums = await sumsWithin(distances, labels)
    return sums.map((within, split) => {
      let current = 0
      let rows = 0
      for (let at = 0; at < count; at++) {
        if (!labels[split * count + at]) continue
        current++
        rows += rowSums[at] as number
      }
      const reference = count - current
      const between = rows - within
      const withinReference = total - within - 2 * between
      const mean = (2 * between) / (current * reference)
      return mean > 0 ? (mean - within / current ** 2 - withinReference / reference ** 2) / mean : 0
    })
  }
}
