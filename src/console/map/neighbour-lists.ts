/** Lists of neighbours by id become lists by place, all of one length: the projection needs a regular graph. */
import type { PointId } from '../service/types.js'
import type { NeighbourPage } from './messages.js'

const LEAST_POINTS = 3

export interface Lists {
  ids: PointId[]
  length: number
  places: Int32Array
  distances: Float32Array
}

/** A page with numbers in place of ids: a tenth of the memory of the page. */
interface Kept {
  counts: Uint32Array
  neighbours: Int32Array
  distances: Float32Array
}

/** Gathers pages as they come. */
export class NeighbourLists {
  readonly #ids: PointId[] = []
  readonly #numberOf = new Map<PointId, number>()
  /** By the number of an id the place of its point; -1 for a neighbour that was on no page. */
  readonly #placeOf: number[] = []
  readonly #pages: Kept[] = []

  add({ ids, neighbours, distances }: NeighbourPage): void {
    for (const id of ids) this.#placeOf[this.#number(id)] = this.#ids.push(id) - 1
    this.#pages.push({
      counts: Uint32Array.from(neighbours, (list) => list.length),
      neighbours: Int32Array.from(neighbours.flat(), (id) => this.#number(id)),
      distances: Float32Array.from(distances.flat()),
    })
  }

  #number(id: PointId): number {
    let number = this.#numberOf.get(id)
    if (number === undefined) {
      number = this.#placeOf.push(-1) - 1
      this.#numberOf.set(id, number)
    }
    return number
  }

  lists(): Lists {
    const ids = this.#ids
    if (ids.length < LEAST_POINTS)
      throw new Error(`A map needs ${LEAST_POINTS} points or more, and here are ${ids.length}.`)
    const longest = this.#pages.reduce((most, { counts }) => counts.reduce((a, b) => Math.max(a, b), most), 1)
    const length = Math.min(longest, ids.length - 1)
    const [places, distances] = [new Int32Array(ids.length * length), new Float32Array(ids.length * length)]
    const lists = { ids, length, places, distances }
    let place = 0
    for (const page of this.#pages) {
      let from = 0
      for (const count of page.counts) {
        const near = page.neighbours.subarray(from, from + count).map((number) => this.#placeOf[number] as number)
        fill(lists, place, near, page.distances.subarray(from, from + count))
        from += count
        place++
      }
    }
    return lists
  }
}

/**
 * A list may be too short, as around a few points that no path of the index reaches. It goes on with any other points,
 * as far off as its last.
 */
function fill(
  { ids, length, places, distances }: Lists,
  place: number,
  neighbours: Int32Array,
  told: Float32Array,
): void {
  const known = new Set([place])
  let at = place * length
  const end = at + length
  let farthest = 0
  const add = (other: number, distance: number) => {
    // A neighbour may have been written since its page was read.
    if (other < 0 || known.has(other) || at === end) return
    known.add(other)
    places[at] = other
    distances[at] = distance
    farthest = distance
    at++
  }
  for (const [rank, other] of neighbours.entries()) add(other, told[rank] as number)
  for (let other = (place + 1) % ids.length; at < end; other = (other + 1) % ids.length) add(other, farthest)
}
