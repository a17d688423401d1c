import Type, { type Static } from 'typebox'
import { LIMITS } from './limits.js'
import { opaque, optional } from './vocabulary/declare.js'

/** Options of every call. */
export const CALL_OPTIONS = {
  signal: optional(
    opaque<AbortSignal>({
      description: 'Its abort rejects the call with CANCELLED.',
      accepts: isAbortSignal,
      expected: 'an AbortSignal',
    }),
  ),
  /**
   * Milliseconds; past it the call rejects with TIMEOUT. Default LIMITS.timeoutMs; `waitForIndex`, `flush` and snapshots
   * have none.
   */
  timeoutMs: optional(
    opaque<number>({
      description: 'Milliseconds; past it the call rejects with TIMEOUT.',
      accepts: (value) => typeof value === 'number' && value > 0 && value <= LIMITS.maxTimeoutMs,
      expected: `milliseconds above 0, at most ${LIMITS.maxTimeoutMs}`,
    }),
  ),
  /**
   * A watermark that a write's result had, of a database on a store: the call waits until its node has that much. Past the
   * deadline it rejects with UNAVAILABLE, to be tried again.
   */
  after: optional(
    opaque<string | undefined>({
      description: 'The watermark of a write: the call waits until its node has that much.',
      accepts: (value) => typeof value === 'string',
      expected: "the watermark of a write's result",
    }),
  ),
}
export const CallOptions = Type.Object(CALL_OPTIONS)
export type CallOptions = Static<typeof CallOptions>

/** One of another realm, or of a library that brings its own, is one too. */
function isAbortSignal(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  )
}
