/** What browsers are told of answers to pages of configured origins. No other origin gets these headers. */
import type { IncomingMessage } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { HostGuard } from './hosts.js'
import { REQUEST_ID_HEADER } from './request-ids.js'
import { VERSION_HEADER } from './versions.js'

const METHODS = 'GET, PUT, POST, PATCH, DELETE'
const REQUEST_HEADERS = 'api-key, authorization, content-type, accept'
const ANSWER_HEADERS = [REQUEST_ID_HEADER, VERSION_HEADER, 'retry-after', 'allow', 'content-disposition'].join(', ')
/** For so long a browser need not ask again; none believes much longer. */
const MAX_AGE_S = 7200
const NO_CONTENT = 204

/** On every answer: to which origin it may be shown. Keys are headers of their own, so no credentials are let in. */
export function tellOrigin({ headers: { origin } }: IncomingMessage, reply: FastifyReply, guard: HostGuard): void {
  if (!guard.hasOrigins) return
  reply.header('vary', 'Origin')
  if (!guard.isConfigured(origin)) return
  reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', ANSWER_HEADERS)
}

/** A browser's question whether a page may ask; it has no key, and does nothing. */
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
