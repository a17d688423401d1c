/** Tells callers apart, so that none of several takes more than its share of the service. */
import type { Identity } from './auth.js'
import { CALLER_PLACES, type Caller } from './budgets.js'
import { isLoopback } from './hosts.js'
import type { Rights } from './rights.js'
import type { ValueExists } from './tokens.js'

/**
 * With several keys a caller is a key, or a token. Without keys a caller is an address outside this machine. The holder
 * of a single key may use the whole of each bound, since there is no other caller. So may programs of this machine at a
 * service without keys.
 */
export function callerOf({ digest }: Identity, hasSeveral: boolean, address: string | undefined): Caller {
  if (digest !== null) return hasSeveral ? digest.readUInt32LE(0) % CALLER_PLACES : null
  if (address === undefined || address === '' || isLocal(address)) return null
  return placeOf(address)
}

/** The caller of a request that opens a stream, and its rights. */
export interface Admitted {
  readonly caller: Caller
  /** The caller, as the audit log names it. */
  readonly subject: string
  readonly rights: Rights
  /** The token is valid while such a point exists; null: no such condition. */
  readonly valueExists: ValueExists | null
  /** When its token stops to be valid. */
  readonly expiresMs: number
}

function isLocal(address: string): boolean {
  return isLoopback(address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address)
}

function placeOf(address: string): number {
  let sum = 0
  for (let at = 0; at < address.length; at++) sum = (Math.imul(sum, 31) + address.charCodeAt(at)) >>> 0
  return sum % CALLER_PLACES
}
