/**
 * How calls from other processes arrive. One at a time, each is answered soonest by the thread that reads it. Where a
 * turn of the event loop brings several, that thread has more to do for each of them than a short search takes, and what
 * can be done elsewhere should be.
 */
let thisTurn = 0
let lastTurn = 0
let turnIsWatched = false

export function noteArrival(): void {
  thisTurn++
  if (turnIsWatched) return
  turnIsWatched = true
  setImmediate(() => {
    turnIsWatched = false
    lastTurn = thisTurn
    thisTurn = 0
  })
}

export function callsArriveTogether(): boolean {
  return thisTurn > 1 || lastTurn > 1
}
