import { expect, test } from 'vitest'
import { Stop } from '../../../src/core/stop.js'
import fc from '../../oracle/properties.js'

test('a stop calls its listeners once, and not those that have left', () => {
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

test('its signal is aborted with the reason, whether requested before the stop or after', () => {
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

test('a listener may leave while others are called', () => {
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

test('listeners are a set: each is called once, however often it was added, and not after it has left', () => {
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
