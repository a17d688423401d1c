import { expect, test } from 'vitest'
import { callsArriveTogether, noteArrival } from '../../../src/core/arrivals.js'

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('calls arrive together once one turn brings several, until a turn brings only one', async () => {
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

test('a rush lasts for the next turn and ends after a turn without arrivals', async () => {
  noteArrival()
  noteArrival()
  await nextTurn()
  expect(callsArriveTogether()).toBe(true)
  await nextTurn()
  expect(callsArriveTogether()).toBe(false)
})
