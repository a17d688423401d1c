/** The keys of what verbs are told besides what is declared. */
import type { CallOptions } from './call-options.js'
import { keysOf } from './known-keys.js'
import type { RecoverOptions } from './snapshots.js'

type Table<T> = Readonly<Record<keyof T, true>>

const CALL: Table<CallOptions> = {
  signal: true,
  timeoutMs: true,
}

export const KNOWN_CALL = keysOf<CallOptions>(CALL)
export const KNOWN_RECOVER = keysOf<RecoverOptions>({ checksum: true, priority: true, replace: true, ...CALL })
