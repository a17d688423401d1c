/** Lists of neighbours by id become lists by place, all of one length: the projection needs a regular graph. */
import type { PointId } from '../service/types'
import type { NeighbourPage } from './messages'

const LEAST_POINTS = 3

export interface Lists {
  ids: PointId[]
  length: number
  places: Int32Array
  distances: Float32Array
}

export function listsOf(pages: readonly NeighbourPage[]): Lists {
  const ids = pages.flatMap((page) => page.ids)
  if (ids.length < LEAST_POINTS)
    throw new Error(`A map needs ${LEAST_POINTS} points or more, and here are ${ids.length}.`)
  const placeOf = new Map(ids.map((id, place) => [id, place]))
  const longest = pages.reduce((most, page) => Math.max(most, ...page.neighbours.map((list) => list.length)), 1)
  const length = Math.min(longest, ids.length - 1)
  const lists = {
    ids,
    length,
    places: new Int32Array(ids.length * length),
    distances: new Float32Array(ids.length * length),
  }
  let place = 0
  for (const page of pages) {
    for (const [row, neighbours] of page.neighbours.entries()) {
      fill(lists, place, neighbours, page.distances[row] as number[], placeOf)
      place++
    }
  }
  return lists
}

/** A list that is too short, as around a few points that no path of the index reaches, goes on with any other points, as far off as its last. */
function fill(
  { ids, length, places, distances }: Lists,
  place: number,
  neighbours: readonly PointId[],
  told: readonly number[],
  placeOf: ReadonlyMap<PointId, number>,
): void {
  const known = new Set([place])
  let at = place * length
  const end = at + length
  let farthest = 0
  const add = (other: number | undefined, distance: number) => {
    // A neighbour may have been written since its page was read.
    if (other === undefined || known.has(other) || at === end) return
    known.add(other)
    places[at] = other
    distances[at] = distance
    farthest = distance
    at++
  }
  for (const [rank, id] of neighbours.entries()) add(placeOf.get(id), told[rank] as number)
  for (let other = (place + 1) % ids.length; at < end; other = (other + 1) % ids.length) add(other, farthest)
}
