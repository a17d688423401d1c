/** Ids of requests: the client's own, or ids that are unique over threads and restarts by each thread's random prefix. */
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export const REQUEST_ID_HEADER = 'x-request-id'
const PREFIX_BYTES = 6
const BASE = 36
/** Visible ASCII: nothing that could end a line of a log. */
const CLIENTS_ID = /^[\x21-\x7e]{1,128}$/

const prefix = randomBytes(PREFIX_BYTES).toString('hex')
let count = 0

export function nextRequestId(): string {
  return `${prefix}-${(++count).toString(BASE)}`
}

/** The id that the client has given its request; a new one if it gave none, or one of other characters. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers[REQUEST_ID_HEADER]
  return typeof given === 'string' && CLIENTS_ID.test(given) ? given : nextRequestId()
}
