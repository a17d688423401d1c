import { expect, test } from 'vitest'
import { callsArriveTogether, noteArrival } from '../../../src/core/arrivals.js'

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('calls come together where a turn brings several, and until one has brought one', async () => {
  expect(callsArriveTogether()).toBe(false)
  noteArrival()
  expect(callsArriveTogether()).toBe(false)
  noteArrival()
  expect(callsArriveTogether()).toBe(true)
  await nextTurn()
  expect(callsArriveTogether()).toBe(true)
  noteArrival()
  expect(callsArriveTogether()).toBe(true)
  await nextTurn()
  expect(callsArriveTogether()).toBe(false)
  noteArrival()
  await nextTurn()
  expect(callsArriveTogether()).toBe(false)
})

test('a rush is over once a turn has brought none, and not for whoever calls from within alone', async () => {
  noteArrival()
  noteArrival()
  await nextTurn()
  expect(callsArriveTogether()).toBe(true)
  await nextTurn()
  expect(callsArriveTogether()).toBe(false)
})
