/** What the service says of a call beside its public options. It travels with them under a symbol that no caller has. */
import type { Awaitable } from './awaitable.js'
import type { CallOptions } from './call-options.js'
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

export interface InnerCall {
  /** Ends the call, as `signal` does: lighter than a signal, for callers with many short calls. */
  stop?: Stoppable
  /** Below a limit of memory: takes over the room of a large answer until it has been sent on. */
  holder?: RoomHolder
  /** The deadline of a call that asks for none: strict mode has no say in it. */
  defaultTimeoutMs?: number
}

const INNER = Symbol('vicinal.call')

/** `options` with what is said beside them. Spreading keeps it. */
export function withInner<O extends CallOptions>(options: O, inner: InnerCall): O {
  return { ...options, [INNER]: inner }
}

export function innerOf(call: CallOptions | undefined): InnerCall | undefined {
  return (call as { [INNER]?: InnerCall } | undefined)?.[INNER]
}
