import { expect, test } from 'vitest'
import { limitIn, memoryLimitOf, parseMemoryLimit, serviceMemoryLimitOf } from '../../../src/cli/memory-limit.js'

const MIB = 1024 * 1024
const MACHINE = 16 * 1024 * MIB

test.each([
  ['without a bound', null, undefined],
  ['with the number that control groups of version 1 give for no bound', 2 ** 63 - 4096, undefined],
  ['with a bound above the memory of the machine', MACHINE + 1, undefined],
  ['with a bound of all the memory of the machine', MACHINE, MACHINE - 320 * MIB],
  ['with plenty of memory', 8192 * MIB, 7872 * MIB],
  ['with a bound that leaves just what writes need', 740 * MIB, 420 * MIB],
  ['with a bound slightly below that', 600 * MIB, 420 * MIB],
  ['with a bound near what writes need', 500 * MIB, Math.floor(0.82 * 500 * MIB)],
  ['with a bound below the smallest limit', 100 * MIB, 128 * MIB],
])('of a container %s', (_, container, limit) => {
  expect(limitIn(container, MACHINE)).toBe(limit)
})

test('a size is parsed, and none means no limit', () => {
  expect(memoryLimitOf(parseMemoryLimit('1GiB'))).toBe(1024 * MIB)
  expect(memoryLimitOf(parseMemoryLimit('none'))).toBeUndefined()
  expect(() => parseMemoryLimit('much')).toThrow('--memory-limit')
  expect(() => parseMemoryLimit('127MiB')).toThrow('--memory-limit: expected at least 128 MiB, got 127MiB')
  expect(parseMemoryLimit('128MiB')).toBe(128 * MIB)
})

test('a service keeps to a share of the machine if nothing else bounds it', () => {
  expect(serviceMemoryLimitOf('none', MACHINE)).toBeUndefined()
  expect(serviceMemoryLimitOf(512 * MIB, MACHINE)).toBe(512 * MIB)
  const inContainer = memoryLimitOf('auto')
  expect(serviceMemoryLimitOf('auto', MACHINE)).toBe(inContainer ?? 0.75 * MACHINE)
  expect(serviceMemoryLimitOf('auto', 100 * MIB)).toBe(inContainer ?? 128 * MIB)
})
