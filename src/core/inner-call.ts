/** Options that the service adds to a call. They travel with the public ones, under a symbol that no caller has. */

import type { CallNotes } from './call-notes.js'
import type { CallOptions } from './call-options.js'
import type { MaybePromise } from './maybe-promise.js'
import type { Stoppable } from './stop.js'

/** Keeps the memory reserved for an answer until the answer is sent. */
export interface RoomHolder {
  /** Resolves when this answer is the next one to send to its caller. */
  turn(): MaybePromise<void>
  hold(release: () => void): void
  readonly isHolding: boolean
  /** Gives back all reserved memory, because its data is in memory by now and counted there. */
  letGo(): void
}

export interface InnerCall {
  /** Ends the call, as `signal` does: lighter than a signal, for callers with many short calls. */
  stop?: Stoppable
  /** Below a memory limit: keeps the memory reserved for a large answer until the answer is sent. */
  holder?: RoomHolder
  /** The deadline of a call that asks for none: strict mode has no say in it. */
  defaultTimeoutMs?: number
  /** When the call arrived, as `performance.now()` tells it. Its deadline counts from there, or else from its start. */
  arrivedMs?: number | undefined
  /** Of a stream of points: the bytes of one frame, and a listener of the bytes that it holds in memory. */
  stream?: { frameBytes: number; hold(bytes: number): void }
  /** The write brings records into a quarantine: rules do not hold for it. */
  isAside?: boolean
  /** Takes notes of the call. */
  notes?: CallNotes | null
  /** The other options were read by their declaration already. */
  isRead?: boolean
}

const INNER = Symbol('vicinal.call')

/** `options` with the inner call beside them. Spreading keeps it. */
export function withInner<O extends CallOptions>(options: O, inner: InnerCall): O {
  return { ...options, [INNER]: inner }
}

export function innerOf(call: CallOptions | undefined): InnerCall | undefined {
  return (call as { [INNER]?: InnerCall } | undefined)?.[INNER]
}

/** Notes that the call arrives now, unless the service has noted it. The options must be the callee's own. */
export function noteArrival(options: CallOptions): void {
  const inner = innerOf(options)
  if (inner?.isRead || inner?.arrivedMs !== undefined) return
  Object.assign(options, { [INNER]: { ...inner, arrivedMs: performance.now() } })
}
