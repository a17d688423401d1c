/** Adds points that were written since a map was drawn. */
import type { NeighbourPage, Projected } from './messages.js'

type Id = NeighbourPage['ids'][number]

/** A new point stands amid so many of its neighbours. */
const AMID = 3

export interface Lit {
  points: Projected
  /** Places of the points that were written. */
  lit: ReadonlySet<number>
  /** Writes of new points that have no place, since the map has as many as it may have. */
  left: number
}

/** At most `most` points have a place in the end. */
export function withPage({ points, lit, left }: Lit, page: NeighbourPage, placeOf: Map<Id, number>, most: number): Lit {
  const { length } = points
  const before = points.ids.length
  const marked = new Set(lit)
  const added = {
    ids: [] as Id[],
    x: [] as number[],
    y: [] as number[],
    places: [] as number[],
    distances: [] as number[],
  }
  for (const [row, id] of page.ids.entries()) {
    const known = placeOf.get(id)
    if (known !== undefined) marked.add(known)
    // New points may be neighbours of each other: only those of the map have a place yet.
    const near = (page.neighbours[row] as Id[]).flatMap((other, rank) => {
      const place = placeOf.get(other)
      return place !== undefined && place < before ? [{ place, distance: page.distances[row]?.[rank] as number }] : []
    })
    const nearest = near.slice(0, AMID)
    if (known !== undefined || nearest.length === 0) continue
    if (before + added.ids.length >= most) {
      left++
      continue
    }
    const place = before + added.ids.push(id) - 1
    placeOf.set(id, place)
    marked.add(place)
    added.x.push(mean(nearest.map((other) => points.x[other.place] as number)))
    added.y.push(mean(nearest.map((other) => points.y[other.place] as number)))
    for (let rank = 0; rank < length; rank++) {
      const { place: other, distance } = near[Math.min(rank, near.length - 1)] as (typeof near)[number]
      added.places.push(other)
      added.distances.push(distance)
    }
  }
  if (added.ids.length === 0) return { points, lit: marked, left }
  const all = {
    ...points,
    ids: [...points.ids, ...added.ids],
    x: joined(Float32Array, points.x, added.x),
    y: joined(Float32Array, points.y, added.y),
    places: joined(Int32Array, points.places, added.places),
    distances: joined(Float32Array, points.distances, added.distances),
  }
  return { points: all, lit: marked, left }
}

function joined<T extends Float32Array | Int32Array>(
  Kind: new (length: number) => T,
  before: T,
  after: readonly number[],
): T {
  const all = new Kind(before.length + after.length)
  all.set(before)
  all.set(after, before.length)
  return all
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
