/** Headers that let pages of configured origins read answers in a browser. Other origins do not get them. */
import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { HostGuard } from './hosts.js'
import { REQUEST_ID_HEADER } from './request-ids.js'
import { VERSION_HEADER } from './versions.js'

const METHODS = 'GET, PUT, POST, PATCH, DELETE'
const REQUEST_HEADERS = 'api-key, authorization, content-type, accept'
const ANSWER_HEADERS = [REQUEST_ID_HEADER, VERSION_HEADER, 'retry-after', 'allow', 'content-disposition'].join(', ')
/** How long a browser may cache the answer, in seconds; browsers cap it at about this. */
const MAX_AGE_S = 7200
const NO_CONTENT = 204

/**
 * Sets on every answer the origin that may read it. Keys travel in their own headers, so credentials are not allowed.
 */
export function tellOrigin({ headers: { origin } }: IncomingMessage, reply: FastifyReply, guard: HostGuard): void {
  if (!guard.hasOrigins) return
  reply.header('vary', 'Origin')
  if (!guard.isConfigured(origin)) return
  reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', ANSWER_HEADERS)
}

/**
 * A browser's preflight request, which asks whether a page may send its request. It carries no key and has no effect.
 */
export function isPreflight({ method, headers }: IncomingMessage, guard: HostGuard): boolean {
  if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false
  return guard.isConfigured(headers.origin)
}

export function answerPreflight(reply: FastifyReply): void {
  reply
    .code(NO_CONTENT)
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', MAX_AGE_S)
    .send()
}
