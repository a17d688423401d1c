import { expect, test } from 'vitest'
import { CountedBatches, type Moment } from '../../../src/bucket/counted-batches.js'

const HOUR_MS = 3_600_000

function clocks() {
  const now: Moment = { monotonicMs: 0, wallMs: 1e12 }
  return {
    pass(monotonicMs: number, wallMs = monotonicMs) {
      now.monotonicMs += monotonicMs
      now.wallMs += wallMs
    },
    now: () => ({ ...now }),
  }
}

test('a batch counts within half of the age, from the start of the last that counted', () => {
  const { pass, now } = clocks()
  const counted = new CountedBatches(HOUR_MS, now(), now)
  pass(HOUR_MS / 4)
  const first = now()
  pass(HOUR_MS / 4)
  expect(counted.counts(first)).toBe(true)
  // The bound runs from the first batch's start, a quarter of an hour before its answer.
  const second = now()
  pass(HOUR_MS / 4 + 1)
  expect(counted.counts(second)).toBe(false)
})

test('a batch that does not count does not begin the time anew', () => {
  const { pass, now } = clocks()
  const counted = new CountedBatches(HOUR_MS, now(), now)
  pass(HOUR_MS)
  const late = now()
  expect(counted.counts(late)).toBe(false)
  expect(counted.counts(now())).toBe(false)
})

test.each([
  ['a machine that slept stops the monotonic clock', 1, HOUR_MS],
  ['a wall clock was set back', HOUR_MS, -HOUR_MS],
  ['a wall clock was set back while the machine slept', 1, -HOUR_MS],
])('%s, and the batch does not count', (_, monotonicMs, wallMs) => {
  const { pass, now } = clocks()
  const counted = new CountedBatches(HOUR_MS, now(), now)
  const began = now()
  pass(monotonicMs, wallMs)
  expect(counted.counts(began)).toBe(false)
})
