import { expect, onTestFinished, test, vi } from 'vitest'
import { Stop } from '../../../src/core/stop.js'
import { Turns } from '../../../src/query/turns.js'

/** Longer than a turn. */
const WORK_MS = 5

/** A list of works that take long, and of those that have begun. */
function works(count: number) {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const begun: number[] = []
  const list = Array.from({ length: count }, (_, at) => async () => {
    vi.advanceTimersByTime(WORK_MS)
    begun.push(at)
    if (at === 2) throw new Error('the third failed')
    return at
  })
  return { list, begun }
}

test('works begin in turns, and none begins once the call was stopped', async () => {
  const stop = new Stop()
  const { list, begun } = works(10)
  const all = new Turns(stop).all(list)
  expect(begun).toEqual([0])
  stop.stop(new Error('enough'))
  await expect(all).rejects.toThrow('enough')
  expect(begun).toEqual([0])
})

test('works that are there at once need no promise, and a failed one fails them all', async () => {
  expect(new Turns().all([() => 1, () => 2])).toEqual([1, 2])
  expect(await new Turns().all(works(2).list)).toEqual([0, 1])
  const { list, begun } = works(5)
  await expect(new Turns().all(list)).rejects.toThrow('the third failed')
  expect(begun).toEqual([0, 1, 2, 3, 4])
})
