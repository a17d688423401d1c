/** Graphs of fewer points, by which a map of many is begun. */

/** `length` neighbours of each point, nearest first, as places of points. */
export interface Graph {
  count: number
  length: number
  places: Int32Array
  distances: Float32Array
}

/** One of so many points stands for its surroundings. */
const OF = 8
/** Points that no path of two neighbours joins are so much farther than those that one does. */
const FAR = 4

/** A number from 0 to 1 that stands for chance (the finalizer of MurmurHash3): equal for an equal place. */
export function anyOf(place: number): number {
  let hash = Math.imul(place ^ 0x9e3779b9, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** Points that were chosen by chance, with those as neighbours that are one or two steps away. */
export function coarser({ count, length, places, distances }: Graph): Graph & { chosen: Int32Array } {
  const chosen = Int32Array.from(range(count)).filter((point) => anyOf(point) < 1 / OF)
  const placeOf = new Int32Array(count).fill(-1)
  for (const [place, point] of chosen.entries()) placeOf[point] = place
  const of = {
    count: chosen.length,
    length,
    chosen,
    places: new Int32Array(chosen.length * length),
    distances: new Float32Array(chosen.length * length),
  }
  for (const [place, point] of chosen.entries()) {
    const found = new Map<number, number>()
    const meet = (other: number, distance: number) => {
      const known = placeOf[other] as number
      if (known >= 0 && known !== place && !((found.get(known) as number) <= distance)) found.set(known, distance)
    }
    for (let at = point * length; at < (point + 1) * length; at++) {
      const [step, distance] = [places[at] as number, distances[at] as number]
      meet(step, distance)
      for (let next = step * length; next < (step + 1) * length; next++) {
        meet(places[next] as number, distance + (distances[next] as number))
      }
    }
    const near = [...found].sort((a, b) => a[1] - b[1]).slice(0, length)
    const far = FAR * (near.at(-1)?.[1] ?? 1)
    for (let other = (place + 1) % of.count; near.length < length; other = (other + 1) % of.count)
      near.push([other, far])
    for (const [rank, [other, distance]] of near.entries()) {
      of.places[place * length + rank] = other
      of.distances[place * length + rank] = distance
    }
  }
  return of
}

function* range(count: number): Generator<number> {
  for (let at = 0; at < count; at++) yield at
}
