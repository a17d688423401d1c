import { expect, test } from 'vitest'
import { MOST_COLLECTIONS, MOST_STRATEGIES, OTHERS, SearchTimes } from '../../../src/core/search-times.js'

const COST = { distances: 1, vectorBytes: 2, payloadBytes: 3 }

test('collections and strategies past their bounds are counted together, and none is lost', () => {
  const times = new SearchTimes()
  for (let at = 0; at < 3 * MOST_COLLECTIONS; at++) times.note(`c${at}`, 'scan', 1, COST)
  expect(times.counts.size).toBe(MOST_COLLECTIONS + 1)
  expect(times.counts.get(OTHERS)).toMatchObject({
    distances: 2 * MOST_COLLECTIONS,
    payloadBytes: 6 * MOST_COLLECTIONS,
  })
  // Those that have counts of their own keep them.
  times.note('c0', 'scan', 1, COST)
  expect(times.counts.get('c0')).toMatchObject({ distances: 2, vectorBytes: 4 })

  for (let at = 0; at < 3 * MOST_STRATEGIES; at++) times.note('c1', `s${at}`, 1, COST)
  const { strategies, distances } = times.counts.get('c1') ?? { strategies: new Map(), distances: 0 }
  expect([...strategies.keys()]).toContain(OTHERS)
  expect(strategies.size).toBe(MOST_STRATEGIES + 1)
  expect(distances).toBe(3 * MOST_STRATEGIES + 1)

  // A deleted one leaves its place.
  times.forget('c0')
  times.note('late', 'scan', 1, COST)
  expect(times.counts.get('late')).toMatchObject({ distances: 1 })
})
