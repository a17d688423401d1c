import { callsArriveTogether } from '../core/arrivals.js'

/** How long searches may hold the JavaScript thread in one turn of the event loop. */
export const MOST_INLINE_US = 200

/** Searches take longer and shorter: with less than so many times the last one's time left, the next may not fit. */
const SPARE = 2

/** Kept from the beginning: who fakes timers puts one in its place that never comes. */
const nextTurn = setImmediate

let leftUs = MOST_INLINE_US
let lastUs = 0
let turnIsWatched = false
let isAwaited = false

/** Microseconds left in this turn: awaiting searches that end at once never ends a turn, however many they are. */
export function inlineShareUs(): number {
  return leftUs
}

/** The same for a search; none while other processes' calls come together, since the pool takes several at a time. */
export function inlineSearchUs(): number {
  return callsArriveTogether() ? 0 : leftUs
}

/**
 * The next turn, where a search like the last one would not fit into what others have left of this one: waiting for it takes
 * a fraction of a hop to the pool. Null where the search may begin now, and where another waits already: the pool does
 * several at a time.
 */
export function nextShare(): Promise<void> | null {
  if (leftUs === MOST_INLINE_US || leftUs >= SPARE * lastUs || isAwaited || callsArriveTogether()) return null
  isAwaited = true
  return new Promise((resolve) => {
    nextTurn(() => {
      isAwaited = false
      resolve()
    })
  })
}

/** The same of a search, the next of which may take as long. */
export function spendSearchUs(us: number): void {
  lastUs = us
  spendInlineUs(us)
}

export function spendInlineUs(us: number): void {
  leftUs = Math.max(0, leftUs - us)
  if (turnIsWatched) return
  turnIsWatched = true
  nextTurn(() => {
    turnIsWatched = false
    leftUs = MOST_INLINE_US
  })
}
