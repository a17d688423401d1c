import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CALLER_PLACES, type Caller } from './budgets.js'

/** Where routes that only other nodes may call are. */
export const INTERNAL = '/internal'
/** The watermark of a write, on its answer. */
export const WATERMARK_HEADER = 'x-vicinal-watermark'
/** The caller of a forwarded request, as the forwarding node tells callers apart. It is no key, and opens nothing. */
export const SUBJECT_HEADER = 'x-vicinal-subject'

/** The other nodes of a store, as the service of one of them sees them. */
export interface Peers {
  /** By which nodes know each other. Without any, nothing is forwarded or taken from other nodes. */
  readonly keys: readonly string[]
  /** Whether this node takes writes. */
  readonly isOwner: boolean
  /** Has the owner answer a request whose body is still unread. Throws UNAVAILABLE where no owner is known. */
  forward(request: FastifyRequest, reply: FastifyReply, answered: (error: Error) => void): void
  /** Throws UNAVAILABLE unless this node owns the store and the sender meant this node. */
  checkReceived(headers: IncomingHttpHeaders): void
  /** What the opening of the database waits for; null if nothing is known. */
  readonly waitsFor: string | null
  /** Why this node's reads are too old; null while they are not. */
  readonly behind: string | null
  describe(): Promise<object>
}

export function subjectOf(headers: IncomingHttpHeaders): Caller {
  const told = headers[SUBJECT_HEADER]
  const place = typeof told === 'string' && /^\d{1,3}$/.test(told) ? Number(told) : null
  return place !== null && place < CALLER_PLACES ? place : null
}
