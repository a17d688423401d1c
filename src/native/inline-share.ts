import { callsArriveTogether } from '../core/arrivals.js'

/** How long searches may hold the JavaScript thread in one turn of the event loop (kTurnUs in native/binding/bounds.hpp). */
export const MOST_INLINE_US = 200
/** The same for writes, which come when searches have had theirs. */
const MOST_WRITING_US = 200
/** A search must not hold it at all. */
const NEVER_INLINE = -1

/** Kept from the beginning: who fakes timers puts one in its place that never comes. */
const atNextTurn = setImmediate

let leftUs = MOST_INLINE_US
let writingLeftUs = MOST_WRITING_US
let turnIsWatched = false

export async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    atNextTurn(resolve)
  })
}

/** Microseconds left in this turn: awaiting searches that end at once never ends a turn, however many they are. */
export function inlineShareUs(): number {
  return leftUs
}

/** The same for a search; none at all while other processes' calls come together, since the pool takes several at a time. */
export function inlineSearchUs(): number {
  return callsArriveTogether() ? NEVER_INLINE : leftUs
}

export function spendInlineUs(us: number): void {
  leftUs = Math.max(0, leftUs - us)
  watchTurn()
}

export function inlineWriteUs(): number {
  return writingLeftUs
}

export function spendWritingUs(us: number): void {
  writingLeftUs = Math.max(0, writingLeftUs - us)
  watchTurn()
}

function watchTurn(): void {
  if (turnIsWatched) return
  turnIsWatched = true
  atNextTurn(() => {
    turnIsWatched = false
    leftUs = MOST_INLINE_US
    writingLeftUs = MOST_WRITING_US
  })
}
