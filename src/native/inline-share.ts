import { arrivals, callsArriveTogether } from '../core/arrivals.js'
import { addon } from './load.js'

/** How long searches may hold the JavaScript thread in one turn of the event loop (kTurnUs in native/binding/bounds.hpp). */
export const MOST_INLINE_US = 200
/**
 * How long those of several requests may, each of them as long as that, where this thread keeps its searches: to read and to answer
 * them takes longer. What waits for another turn waits for all that is read meanwhile.
 */
const MOST_KEPT_US = 1_000
/** The same for writes, which come when searches have had theirs. */
const MOST_WRITING_US = 200
/** A search must not hold it at all. */
const NEVER_INLINE = -1

/** Kept from the beginning: who fakes timers puts one in its place that never comes. */
const atNextTurn = setImmediate

let leftUs = MOST_INLINE_US
let keptLeftUs = MOST_KEPT_US
let keepsSearches = false
/** Of requests, when the share began. */
let arrived = 0
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

/**
 * As many threads read requests as there are cores: the pool has none to itself. So this thread keeps short searches, for
 * one of the next turns where this one has no room.
 */
export function keepSearches(): void {
  keepsSearches = true
  addon().keepSearches()
}

/**
 * The same for a search; none at all while other processes' calls come together, since the pool takes several at a time. Where
 * they are kept, each request has a share of its own.
 */
export function inlineSearchUs(): number {
  if (!keepsSearches) return callsArriveTogether() ? NEVER_INLINE : leftUs
  if (arrivals() !== arrived) {
    arrived = arrivals()
    leftUs = MOST_INLINE_US
  }
  return Math.min(leftUs, keptLeftUs)
}

export function spendInlineUs(us: number): void {
  leftUs = Math.max(0, leftUs - us)
  keptLeftUs = Math.max(0, keptLeftUs - us)
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
    keptLeftUs = MOST_KEPT_US
    writingLeftUs = MOST_WRITING_US
  })
}
