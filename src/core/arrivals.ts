/**
 * Counts how calls from other processes arrive. A single call is answered fastest by the thread that reads it. If one
 * turn of the event loop brings several, reading and answering them takes longer than a short search. Work that another
 * thread can do should then go there.
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

/** A rush is watched until a turn without one, so that it ends for callers within this process. */
function turned(): void {
  lastTurn = thisTurn
  thisTurn = 0
  turnIsWatched = lastTurn > 1
  if (turnIsWatched) setImmediate(turned)
}

/** The number of calls so far. */
export function arrivals(): number {
  return all
}

export function callsArriveTogether(): boolean {
  return thisTurn > 1 || lastTurn > 1
}
