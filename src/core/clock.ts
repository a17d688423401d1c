/** Time as the engine sees it, so that tests can move it. Deadlines use `monotonicMs`, never the wall clock. */
export interface Clock {
  /** Milliseconds since the epoch; may jump. */
  wallMs(): number
  /** Milliseconds of a clock that never goes back. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}
