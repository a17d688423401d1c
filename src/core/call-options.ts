import Type, { type Static } from 'typebox'
import { opaque, optional } from './vocabulary/declare.js'

/** Options of every call. */
export const CALL_OPTIONS = {
  signal: optional(opaque<AbortSignal>({ description: 'Its abort rejects the call with CANCELLED.' })),
  /**
   * Milliseconds; past it the call rejects with TIMEOUT. Default LIMITS.timeoutMs; `waitForIndex`, `flush` and snapshots
   * have none.
   */
  timeoutMs: optional(opaque<number>({ description: 'Milliseconds; past it the call rejects with TIMEOUT.' })),
}
export const CallOptions = Type.Object(CALL_OPTIONS)
export type CallOptions = Static<typeof CallOptions>
