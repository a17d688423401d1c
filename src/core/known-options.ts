/** The known options of a call by itself. */
import type { CallOptions } from './call-options.js'
import { keysOf } from './known-keys.js'

type Table<T> = Readonly<Record<keyof T, true>>

const CALL: Table<CallOptions> = {
  signal: true,
  timeoutMs: true,
}

export const KNOWN_CALL = keysOf<CallOptions>(CALL)
