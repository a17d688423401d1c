import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Stop } from '../../../src/core/stop.js'

test('a stop is told to those who listen, once, and not to those who no longer do', () => {
  const stop = new Stop()
  const told: string[] = []
  const leaver = () => told.push('leaver')
  stop.onStop(() => told.push('stayer'))
  stop.onStop(leaver)
  stop.offStop(leaver)
  expect(stop.isStopped).toBe(false)
  stop.stop(new Error('enough'))
  stop.stop(new Error('again'))
  expect(told).toEqual(['stayer'])
  expect(stop.isStopped).toBe(true)
  expect(stop.reason).toEqual(new Error('enough'))
})

test('its signal is aborted with the reason, whether it was asked for before the stop or after', () => {
  const reason = new Error('enough')
  const before = new Stop()
  const { signal } = before
  expect(signal.aborted).toBe(false)
  before.stop(reason)
  expect(signal.reason).toBe(reason)
  const after = new Stop()
  after.stop(reason)
  expect(after.signal.aborted).toBe(true)
  expect(after.signal.reason).toBe(reason)
  expect(after.signal).toBe(after.signal)
})

test('a listener that leaves while others are told is no trouble', () => {
  const stop = new Stop()
  const told: number[] = []
  const second = () => told.push(2)
  stop.onStop(() => {
    told.push(1)
    stop.offStop(second)
    stop.onStop(() => told.push(3))
  })
  stop.onStop(second)
  stop.stop()
  expect(told).toEqual([1, 2])
})

test('listeners are a set: each is told once, however often it came, and not once it has left', () => {
  const step = fc.record({ comes: fc.boolean(), which: fc.nat({ max: 3 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const stop = new Stop()
      const told: number[] = []
      const listeners = [0, 1, 2, 3].map((which) => () => void told.push(which))
      const expected = new Set<number>()
      for (const { comes, which } of steps) {
        const listener = listeners[which] as () => void
        if (comes) {
          stop.onStop(listener)
          expected.add(which)
        } else {
          stop.offStop(listener)
          expected.delete(which)
        }
      }
      stop.stop()
      expect(told.sort()).toEqual([...expected].sort())
    }),
  )
})
