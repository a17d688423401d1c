import { describe, expect, it } from 'vitest'
import { type Lit, withPage } from '../../../src/console/map/added.js'
import { amountsOf, defaultOf } from '../../../src/console/map/amounts.js'

describe('the points of a map', () => {
  it.each([
    [1, [1], 1],
    [600, [600], 600],
    [20_000, [1_000, 10_000, 20_000], 10_000],
    [1_000_000, [5_000, 10_000, 100_000, 1_000_000], 10_000],
    [30_000_000, [150_000, 1_000_000], 150_000],
    [300_000_000, [], undefined],
  ])('of %d are offered as samples that the service gives, or all', (points, told, byDefault) => {
    const amounts = amountsOf(points)
    expect(amounts.map((one) => one.points)).toEqual(told)
    expect(defaultOf(amounts)?.points).toBe(byDefault)
    for (const { share, points: sample } of amounts) {
      expect(share).toBeGreaterThanOrEqual(0.005)
      expect(share * points).toBeCloseTo(sample, -1)
    }
  })
})

describe('written points', () => {
  const drawn = (): Lit => ({
    points: {
      ...{ ids: [1, 2], x: Float32Array.of(-1, 1), y: Float32Array.of(0, 0), length: 1 },
      ...{ places: Int32Array.of(1, 0), distances: Float32Array.of(2, 2), clusters: [] },
    },
    lit: new Set(),
    left: 0,
  })
  const page = (ids: number[]) => ({
    ids,
    neighbours: ids.map(() => [1, 2]),
    distances: ids.map(() => [1, 1]),
    operation_id: 9,
    next_offset: null,
  })
  const places = () =>
    new Map([
      [1, 0],
      [2, 1],
    ])

  it('stand amid their neighbours, until the map has as many points as it may have', () => {
    const placeOf = places()
    const once = withPage(drawn(), page([2, 3, 4, 5]), placeOf, 3)
    expect(once.points.ids).toEqual([1, 2, 3])
    expect(once.points.x[2]).toBe(0)
    expect([...once.lit]).toEqual([1, 2])
    expect(once.left).toBe(2)
    const again = withPage(once, page([4]), placeOf, 3)
    expect(again.points).toBe(once.points)
    expect(again.left).toBe(3)
  })
})
