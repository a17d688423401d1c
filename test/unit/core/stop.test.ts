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
