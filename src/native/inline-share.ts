import { arrivals, callsArriveTogether } from '../core/arrivals.js'
import { addon } from './load.js'

/** Time for which searches may hold the JavaScript thread in one turn (kTurnUs in native/binding/bounds.hpp). */
export const MOST_INLINE_US = 200
/**
 * The same bound for several requests together, on a thread that keeps its searches. Each request may take
 * MOST_INLINE_US. It is longer, because reading and answering requests takes longer, and a postponed search waits for
 * all requests read meanwhile.
 */
const MOST_KEPT_US = 1_000
/** The same bound for writes, which run after searches have used theirs. */
const MOST_WRITING_US = 200
/** The search must not hold the thread at all. */
const NEVER_INLINE = -1

/** Saved at load time: tests with fake timers replace `setImmediate` by one that never fires. */
const atNextTurn = setImmediate

let leftUs = MOST_INLINE_US
let keptLeftUs = MOST_KEPT_US
let keepsSearches = false
/** Number of requests when the present share began. */
let arrived = 0
let writingLeftUs = MOST_WRITING_US
let turnIsWatched = false

export async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    atNextTurn(resolve)
  })
}

/** Microseconds left in this turn. Awaiting searches that end at once never ends a turn, so their sum is bounded. */
export function inlineShareUs(): number {
  return leftUs
}

/**
 * Makes this thread keep short searches, for a later turn if this one has no time left. It is called if there are as
 * many serving threads as cores, so that the pool has no core to itself.
 */
export function keepSearches(): void {
  keepsSearches = true
  addon().keepSearches()
}

/**
 * The microseconds that a search may take. None while other processes' calls arrive together, since the pool runs
 * several at a time. If searches are kept, each request has a share of its own.
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
