import { expect, test } from 'vitest'
import { Mutex } from '../../../src/core/mutex.js'

test('work runs in order, one at a time, and a failure is only that of its own caller', async () => {
  const mutex = new Mutex()
  const events: string[] = []
  const step = (name: string) =>
    mutex.run(async () => {
      events.push(`${name} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      events.push(`${name} ends`)
      if (name === 'b') throw new Error('b failed')
      return name
    })
  const outcomes = await Promise.allSettled([step('a'), step('b'), step('c')])
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('work that throws at once rejects, and the next one runs', async () => {
  const mutex = new Mutex()
  const thrown = mutex.run(() => {
    throw new Error('at once')
  })
  await expect(thrown).rejects.toThrow('at once')
  await expect(mutex.run(() => 1)).resolves.toBe(1)
})

test('pending counts what runs and what waits; idle waits for all of it', async () => {
  const mutex = new Mutex()
  expect(mutex.pending).toBe(0)
  let release = () => {}
  const held = mutex.run(() => new Promise<void>((resolve) => (release = resolve)))
  const failing = mutex.run(() => Promise.reject(new Error('later')))
  failing.catch(() => {})
  expect(mutex.pending).toBe(2)
  let isIdle = false
  const idle = mutex.idle().then(() => {
    isIdle = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isIdle).toBe(false)
  release()
  await held
  await idle
  expect(mutex.pending).toBe(0)
})
