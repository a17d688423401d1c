import type { Stoppable } from './stop.js'

export interface CallOptions {
  signal?: AbortSignal
  /** The same for callers with many short calls: lighter than a signal. */
  stop?: Stoppable
  /** Milliseconds; past it the call rejects with TIMEOUT. Default LIMITS.timeoutMs. */
  timeoutMs?: number
  /** The same where the caller asked for none: strict mode has no say in it. */
  defaultTimeoutMs?: number
}
