/**
 * How calls from other processes arrive. One at a time, each is answered soonest by the thread that reads it. Where a
 * turn of the event loop brings several, that thread has more to do for each of them than a short search takes, and what
 * can be done elsewhere should be.
 */
let thisTurn = 0
let lastTurn = 0
let turnIsWatched = false
let allRead = false

export function noteArrival(): void {
  if (allRead) return
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

/** As many threads read requests as there are cores: there is no elsewhere. */
export function everyThreadReads(): void {
  allRead = true
}

export function callsArriveTogether(): boolean {
  return !allRead && (thisTurn > 1 || lastTurn > 1)
}
