export interface CallOptions {
  signal?: AbortSignal
  /** Milliseconds; past it the call rejects with TIMEOUT. Default LIMITS.timeoutMs. */
  timeoutMs?: number
  /** The same where the caller asked for none: strict mode has no say in it. */
  defaultTimeoutMs?: number
}
