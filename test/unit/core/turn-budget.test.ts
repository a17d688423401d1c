import { expect, test } from 'vitest'
import { nextTurn, turnBudget } from '../../../src/core/turn-budget.js'

test('calls come together where a turn brings several, and until one has brought one', async () => {
  expect(turnBudget.callsArriveTogether).toBe(false)
  turnBudget.noteArrival()
  expect(turnBudget.callsArriveTogether).toBe(false)
  turnBudget.noteArrival()
  expect(turnBudget.callsArriveTogether).toBe(true)
  await nextTurn()
  expect(turnBudget.callsArriveTogether).toBe(true)
  turnBudget.noteArrival()
  expect(turnBudget.callsArriveTogether).toBe(true)
  await nextTurn()
  expect(turnBudget.callsArriveTogether).toBe(false)
  turnBudget.noteArrival()
  await nextTurn()
  expect(turnBudget.callsArriveTogether).toBe(false)
})

test('a rush is over once a turn has brought none, and not for whoever calls from within alone', async () => {
  turnBudget.noteArrival()
  turnBudget.noteArrival()
  await nextTurn()
  expect(turnBudget.callsArriveTogether).toBe(true)
  await nextTurn()
  expect(turnBudget.callsArriveTogether).toBe(false)
})
