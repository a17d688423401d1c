/**
 * How calls from other processes arrive. One at a time, each is answered soonest by the thread that reads it. Where a
 * turn of the event loop brings several, that thread has more to do for each of them than a short search takes, and what
 * can be done elsewhere should be.
 */
let thisTurn = 0
let lastTurn = 0
let turnIsWatched = false
let all = 0

export function noteArrival(): void {
  all++
  thisTurn++
  if (turnIsWatched) return
  turnIsWatched = true
  setImmediate(turned)
}

/** A rush is watched until a turn without one, so that it does not last for whoever calls from within this process. */
function turned(): void {
  lastTurn = thisTurn
  thisTurn = 0
  turnIsWatched = lastTurn > 1
  if (turnIsWatched) setImmediate(turned)
}

/** How many there were. */
export function arrivals(): number {
  return all
}

export function callsArriveTogether(): boolean {
  return thisTurn > 1 || lastTurn > 1
}
