import type { Awaitable } from './awaitable.js'
import type { Stoppable } from './stop.js'

/** Who goes on holding memory that an answer has been given, and gives it back. */
export interface RoomHolder {
  /** When this answer is the next to be sent to whoever asked. */
  turn(): Awaitable<void>
  hold(release: () => void): void
  readonly isHolding: boolean
  /** Gives all of it back: what it was for is in memory by now, and counted there. */
  letGo(): void
}

export interface CallOptions {
  signal?: AbortSignal
  /** The same for callers with many short calls: lighter than a signal. */
  stop?: Stoppable
  /** Below a limit of memory: takes over the room of a large answer until it has been sent on. */
  holder?: RoomHolder
  /**
   * Milliseconds; past it the call rejects with TIMEOUT. Default LIMITS.timeoutMs; `waitForIndex`, `flush` and snapshots
   * have none.
   */
  timeoutMs?: number
  /** The same where the caller asked for none: strict mode has no say in it. */
  defaultTimeoutMs?: number
}
