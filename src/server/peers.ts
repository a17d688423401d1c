import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { VicinalError } from '../core/errors.js'
import { CALLER_PLACES, type Caller } from './budgets.js'
import { Rights } from './rights.js'
import { accessOf } from './tokens.js'

/** Where routes that only other nodes may call are. */
export const INTERNAL = '/internal'
/** The route of the stream by which an owner pushes its batches, below it. */
export const PUSH = '/push'
/** The watermark of a write, on its answer. */
export const WATERMARK_HEADER = 'x-vicinal-watermark'
/** The caller of a forwarded request, as the forwarding node tells callers apart. It is no key, and opens nothing. */
export const SUBJECT_HEADER = 'x-vicinal-subject'

/** The rights of that caller, as `tellRights` writes them. Its key or token stays where it arrived. */
export const RIGHTS_HEADER = 'x-vicinal-rights'
/** When that caller's token stops to be valid, in milliseconds since 1970; absent if it never does. */
export const EXPIRES_HEADER = 'x-vicinal-expires'
/** The caller of a forwarded request, as the audit log names it. */
export const ACTOR_HEADER = 'x-vicinal-actor'

/** The other nodes of a store, as the service of one of them sees them. */
export interface Peers {
  /** By which nodes know each other. Without any, nothing is forwarded or taken from other nodes. */
  readonly keys: readonly string[]
  /** Whether this node takes writes. */
  readonly isOwner: boolean
  /** Has the owner answer a request whose body is still unread. Throws UNAVAILABLE where no owner is known. */
  forward(request: FastifyRequest, reply: FastifyReply, answered: (error: Error) => void): void
  /** Whether other nodes answer this one's reads of points: it has the role `write` alone. */
  readonly readsElsewhere: boolean
  /** Has such a node answer. Throws, or rejects with, UNAVAILABLE where none is known. */
  forwardRead(request: FastifyRequest, reply: FastifyReply, answered: (error: Error) => void): Promise<void>
  /** Pushes batches from now on. Throws UNAVAILABLE where too many readers take them. */
  push(): (response: ServerResponse) => void
  /** Ends the streams to other nodes, since the service stops. */
  endPushes(): void
  /** Throws UNAVAILABLE unless the sender meant this node and, for a write, this node owns the store. */
  checkReceived(headers: IncomingHttpHeaders, isRead: boolean): void
  /** The step that the opening of the database waits for; null if none is known. */
  readonly waitsFor: string | null
  /** Why this node's reads are too old; null while they are not. */
  readonly behind: string | null
  describe(): Promise<object>
}

const POINTS = '/collections/:name/points'

/** Whether a route is about points, which a node with the role `write` alone does not read. */
export const isOfPoints = (path: string | undefined): boolean => path?.startsWith(POINTS) ?? false

/** The caller of a request that another node has passed on; the node itself where it names none. */
export function actorOf(headers: IncomingHttpHeaders): string {
  const told = headers[ACTOR_HEADER]
  try {
    return typeof told === 'string' && told !== '' ? decodeURIComponent(told) : 'cluster'
  } catch {
    return 'cluster'
  }
}

export function subjectOf(headers: IncomingHttpHeaders): Caller {
  const told = headers[SUBJECT_HEADER]
  const place = typeof told === 'string' && /^\d{1,3}$/.test(told) ? Number(told) : null
  return place !== null && place < CALLER_PLACES ? place : null
}

/** The rights of a forwarded request, for RIGHTS_HEADER. They are shorter than the token that gave them. */
export function tellRights({ claim }: Rights): string {
  return Buffer.from(JSON.stringify(claim)).toString('base64url')
}

/** When the token of a forwarded request's caller stops to be valid. */
export function toldExpiry(headers: IncomingHttpHeaders): number {
  const told = headers[EXPIRES_HEADER]
  return told === undefined ? Number.POSITIVE_INFINITY : Number(told) || 0
}

/** The caller's rights, as another node sent them. A node that sends none is of a version without tokens. */
export function toldRights(headers: IncomingHttpHeaders): Rights {
  const told = headers[RIGHTS_HEADER]
  if (told === undefined) return Rights.ALL
  try {
    return new Rights(accessOf(JSON.parse(Buffer.from(String(told), 'base64url').toString())))
  } catch (cause) {
    throw new VicinalError('FORBIDDEN', `${RIGHTS_HEADER}: expected rights of a caller`, { cause })
  }
}
