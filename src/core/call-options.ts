import type { Awaitable } from './awaitable.js'
import type { Stoppable } from './stop.js'

/** Keeps the memory reserved for an answer until the answer is sent. */
export interface RoomHolder {
  /** Resolves when this answer is the next one to send to its caller. */
  turn(): Awaitable<void>
  hold(release: () => void): void
  readonly isHolding: boolean
  /** Gives back all reserved memory, because its data is in memory by now and counted there. */
  letGo(): void
}

export interface CallOptions {
  signal?: AbortSignal
  /** A lighter form of `signal`, for callers with many short calls. */
  stop?: Stoppable
  /** Below a memory limit: keeps the memory reserved for a large answer until the answer is sent. */
  holder?: RoomHolder
  /**
   * Timeout in milliseconds, above 0 and at most LIMITS.maxTimeoutMs; then the call rejects with TIMEOUT. Default
   * LIMITS.timeoutMs.
   */
  timeoutMs?: number
  /** The timeout of a call whose caller sets none. Strict mode does not check it. */
  defaultTimeoutMs?: number
}
