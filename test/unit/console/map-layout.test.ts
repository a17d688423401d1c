/** The map's own arithmetic: neighbours stay neighbours, equal graphs get equal maps, and lists of pages fit together. */
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../../../src/console/map/layout.js'
import { NeighbourLists } from '../../../src/console/map/neighbour-lists.js'

const COUNT = 6_000
const NEIGHBOURS = 15
const NEAR = 50

/** Points on a grid of 100 by 60, with their nearest on it as neighbours. */
function grid() {
  const [wide, high] = [100, COUNT / 100]
  const places = new Int32Array(COUNT * NEIGHBOURS)
  const distances = new Float32Array(COUNT * NEIGHBOURS)
  for (let point = 0; point < COUNT; point++) {
    const [x, y] = [point % wide, Math.floor(point / wide)]
    const near: [number, number][] = []
    for (let row = Math.max(0, y - 4); row <= Math.min(high - 1, y + 4); row++) {
      for (let column = Math.max(0, x - 4); column <= Math.min(wide - 1, x + 4); column++) {
        if (row !== y || column !== x) near.push([row * wide + column, Math.hypot(row - y, column - x)])
      }
    }
    near.sort((a, b) => a[1] - b[1] || a[0] - b[0])
    for (const [rank, [other, distance]] of near.slice(0, NEIGHBOURS).entries()) {
      places[point * NEIGHBOURS + rank] = other
      distances[point * NEIGHBOURS + rank] = distance
    }
  }
  return { count: COUNT, length: NEIGHBOURS, places, distances }
}

/** The share of neighbours that are among the nearest on the plane, of some points. */
function kept({ places }: ReturnType<typeof grid>, at: Float32Array): number {
  let found = 0
  let asked = 0
  const apart = (a: number, b: number) =>
    Math.hypot((at[2 * a] as number) - (at[2 * b] as number), (at[2 * a + 1] as number) - (at[2 * b + 1] as number))
  for (let point = 0; point < COUNT; point += 40) {
    const all = Float64Array.from({ length: COUNT }, (_, other) => apart(point, other)).sort()
    for (const other of places.subarray(point * NEIGHBOURS, (point + 1) * NEIGHBOURS)) {
      asked++
      if (apart(point, other) <= (all[NEAR] as number)) found++
    }
  }
  return found / asked
}

describe('a layout', () => {
  it('has nearly all neighbours of points on a plane among the nearest, the same each time', () => {
    const graph = grid()
    const shares: number[] = []
    const places = layoutOf(graph, (share) => shares.push(share))
    expect(kept(graph, places)).toBeGreaterThan(0.9)
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    expect(shares.at(-1)).toBe(1)
    expect(layoutOf(graph, () => undefined)).toEqual(places)
  })

  it('has finite places where all points are equal, and where points are few', () => {
    for (const count of [3, 2_500]) {
      const length = Math.min(2, count - 1)
      const places = Int32Array.from(
        { length: count * length },
        (_, at) => (Math.floor(at / length) + 1 + (at % length)) % count,
      )
      const found = layoutOf({ count, length, places, distances: new Float32Array(count * length) }, () => undefined)
      expect(found.every(Number.isFinite)).toBe(true)
    }
  })
})

describe('lists of pages', () => {
  const page = (ids: number[], neighbours: number[][]) => ({
    ids,
    neighbours,
    distances: neighbours.map((list) => list.map((_, rank) => rank + 1)),
    operation_id: 1,
    next_offset: null,
  })

  it('know neighbours of later pages, leave out those of none, and have one length', () => {
    const pages = new NeighbourLists()
    pages.add(page([5, 6], [[7, 99, 6], [5]]))
    pages.add(page([7, 8], [[5, 8], []]))
    const { ids, length, places, distances } = pages.lists()
    expect({ ids, length }).toEqual({ ids: [5, 6, 7, 8], length: 3 })
    expect([...places.subarray(0, 3)]).toEqual([2, 1, 3])
    expect([...distances.subarray(0, 3)]).toEqual([1, 3, 3])
    expect(new Set(places.subarray(9))).toEqual(new Set([0, 1, 2]))
  })

  it('of fewer than three points are no map', () => {
    const pages = new NeighbourLists()
    pages.add(page([1, 2], [[2], [1]]))
    expect(() => pages.lists()).toThrow('A map needs 3 points or more, and here are 2.')
  })
})
