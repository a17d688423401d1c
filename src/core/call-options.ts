export interface CallOptions {
  signal?: AbortSignal
  /**
   * Milliseconds; past it the call rejects with TIMEOUT. Default LIMITS.timeoutMs; `waitForIndex`, `flush` and snapshots
   * have none.
   */
  timeoutMs?: number
}
