import { callsArriveTogether } from '../core/arrivals.js'

/** How long searches may hold the JavaScript thread in one turn of the event loop. */
export const MOST_INLINE_US = 200

let leftUs = MOST_INLINE_US
let turnIsWatched = false

/** Microseconds left in this turn: awaiting searches that end at once never ends a turn, however many they are. */
export function inlineShareUs(): number {
  return leftUs
}

/** The same for a search; none while other processes' calls come together, since the pool takes several at a time. */
export function inlineSearchUs(): number {
  return callsArriveTogether() ? 0 : leftUs
}

export function spendInlineUs(us: number): void {
  leftUs = Math.max(0, leftUs - us)
  if (turnIsWatched) return
  turnIsWatched = true
  setImmediate(() => {
    turnIsWatched = false
    leftUs = MOST_INLINE_US
  })
}
