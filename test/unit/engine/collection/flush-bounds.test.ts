import { expect, test } from 'vitest'
import {
  type FlushBounds,
  FOLDER_BOUNDS,
  isFlushDue,
  STORE_BOUNDS,
} from '../../../../src/engine/collection/flush-bounds.js'

const MIB = 1024 * 1024
const UNCHANGED_MS = Number.NEGATIVE_INFINITY

function collection(
  flushBounds: FlushBounds,
  { log = {}, flushIntervalSec }: { log?: object; flushIntervalSec?: number },
) {
  const optimizersConfig = flushIntervalSec === undefined ? {} : { flushIntervalSec }
  return { home: { flushBounds }, log: { bytes: 0, ...log }, manifest: { current: { config: { optimizersConfig } } } }
}

test.each([
  ['a folder', FOLDER_BOUNDS, 5_000, 16 * MIB],
  ['a store', STORE_BOUNDS, 300_000, 128 * MIB],
])('changes of a collection on %s are flushed at an age or at a number of bytes', (_, bounds, ageMs, bytes) => {
  const things = collection(bounds, {})
  expect(isFlushDue(things, bytes - 1, ageMs - 1)).toBe(false)
  expect(isFlushDue(things, 1, ageMs)).toBe(true)
  expect(isFlushDue(things, bytes, 0)).toBe(true)
  expect(isFlushDue(things, 0, UNCHANGED_MS)).toBe(false)
})

test.each([FOLDER_BOUNDS, STORE_BOUNDS])('the age that a collection sets is the one it gets', (bounds) => {
  for (const [flushIntervalSec, ms] of [
    [7, 7_000],
    [0, 1_000],
    [3_600, 3_600_000],
  ] as const) {
    expect(isFlushDue(collection(bounds, { flushIntervalSec }), 1, ms - 1)).toBe(false)
    expect(isFlushDue(collection(bounds, { flushIntervalSec }), 1, ms)).toBe(true)
  }
})

test('a long log is flushed, however few rows its records changed', () => {
  expect(isFlushDue(collection(STORE_BOUNDS, { log: { values: 3_999 } }), 1, 0)).toBe(false)
  expect(isFlushDue(collection(STORE_BOUNDS, { log: { values: 4_000 } }), 1, 0)).toBe(true)
  expect(isFlushDue(collection(STORE_BOUNDS, { log: { bytes: 256 * MIB } }), 1, 0)).toBe(true)
  expect(isFlushDue(collection(FOLDER_BOUNDS, { flushIntervalSec: 3_600, log: { bytes: 256 * MIB } }), 1, 0)).toBe(true)
})
