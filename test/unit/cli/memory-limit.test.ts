import { expect, test } from 'vitest'
import { limitIn, memoryLimitOf, parseMemoryLimit, serviceMemoryLimitOf } from '../../../src/cli/memory-limit.js'

const MIB = 1024 * 1024
const MACHINE = 16 * 1024 * MIB

test.each([
  ['no bound', null, undefined],
  ['the bound that control groups of version 1 tell where there is none', 2 ** 63 - 4096, undefined],
  ['a bound beyond the machine', MACHINE + 1, undefined],
  ['a bound that is all that the machine is said to have', MACHINE, MACHINE - 320 * MIB],
  ['plenty', 8192 * MIB, 7872 * MIB],
  ['what leaves no more than it takes to write', 740 * MIB, 420 * MIB],
  ['less than that', 600 * MIB, 420 * MIB],
  ['hardly as much', 500 * MIB, Math.floor(0.82 * 500 * MIB)],
  ['less than any limit may be', 100 * MIB, 128 * MIB],
])('of a container with %s', (_, container, limit) => {
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
