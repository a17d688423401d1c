/** Every way a request can fail, as an answer in one shape. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { VicinalError } from '../core/errors.js'
import { unsupportedType } from './bodies.js'
import { declaredBytes } from './declared-bytes.js'
import type { FailureLog } from './failure-log.js'
import { MalformedHead } from './request-head.js'
import { nextRequestId, REQUEST_ID_HEADER } from './request-ids.js'
import { JSON_TYPE, sendError } from './respond.js'
import { VERSION, VERSION_HEADER } from './versions.js'

/** A rejected body of undeclared or large size is not waited for: the connection ends with the answer. */
const DRAINED_BODY_BYTES = 64 * 1024
const LINGER_MS = 1000

export function registerFailures(app: FastifyInstance, maxBodyBytes: number, log: FailureLog): void {
  app.setErrorHandler((error: FastifyError | VicinalError, request, reply) => {
    const known = vicinalError(error, request, maxBodyBytes)
    // A thread that has forwarded it stops sending once it has the answer, and closes the client's connection itself.
    if (request.ticket?.peer !== undefined) reply.removeHeader('connection')
    else if (leavesConnection(error, known, request.raw)) reply.header('connection', 'close')
    note(log, { known, cause: error }, request)
    return sendError(request, reply, known)
  })
  app.setNotFoundHandler((request, reply) =>
    sendError(request, reply, new VicinalError('NOT_FOUND', `Not found: no such route for ${request.method}`)),
  )
}

/** What fastify refuses before any hook runs, such as a path that cannot be decoded. */
export function frameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendError(request, reply, new VicinalError('INVALID_ARGUMENT', `request target: ${error.message}`))
}

function vicinalError(error: FastifyError | VicinalError, request: FastifyRequest, maxBodyBytes: number): VicinalError {
  if (error instanceof VicinalError) return error
  const { statusCode = 500 } = error
  if (statusCode === 413) {
    return new VicinalError('TOO_LARGE', `body: expected at most ${maxBodyBytes} bytes`)
  }
  if (statusCode === 415) return unsupportedType(request.headers['content-type'])
  if (statusCode >= 400 && statusCode < 500) {
    return new VicinalError('INVALID_ARGUMENT', `body: ${error.message}`)
  }
  return new VicinalError('INTERNAL', `Service internal error: the log has more under request ${request.id}`)
}

function leavesConnection(error: Error, known: VicinalError, request: IncomingMessage): boolean {
  if (error instanceof MalformedHead) return true
  return !request.readableEnded && (hasLargeBody(request) || known.code === 'TIMEOUT')
}

export function hasLargeBody(request: IncomingMessage): boolean {
  return declaredBytes(request) > DRAINED_BODY_BYTES
}

function note(log: FailureLog, failure: { known: VicinalError; cause: Error }, request: FastifyRequest): void {
  const { id, method, routeOptions, ticket, ip } = request
  log.note(
    { reqId: id, method, route: routeOptions.url, code: failure.known.code },
    { ...failure, peer: ticket?.peer ?? ip },
  )
}

/** What is no HTTP at all gets a plain answer, and its connection is closed. */
export function clientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  // An answer has begun on this connection, to this very head or to the request before it: a second one would run into it.
  if (answerOn(socket)?.headersSent) {
    socket.destroySoon()
    return
  }
  const status = STATUS_OF_PARSER_ERROR[error.code ?? ''] ?? '400 Bad Request'
  const body = JSON.stringify({ status: { error: `Wrong input: ${status.slice(4)}` }, time: 0 })
  answerAndClose(socket, [`HTTP/1.1 ${status}`], body, nextRequestId())
}

/** The answer that is being sent, by Node's own note of it, which its own handler of such errors looks at too. */
function answerOn(socket: Socket): ServerResponse | null | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage
}

/** Where there is no response to send it by: JSON behind these lines of a head. */
export function answerAndClose(socket: Socket, head: readonly string[], body: string, id: string): void {
  const told = [`${VERSION_HEADER}: ${VERSION}`, 'x-content-type-options: nosniff', `${REQUEST_ID_HEADER}: ${id}`]
  const framing = [`Content-Type: ${JSON_TYPE}`, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
  socket.end(`${[...head, ...told, ...framing].join('\r\n')}\r\n\r\n${body}`)
  // Who reads gets the answer; who neither reads nor hangs up does not keep the connection.
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}

const STATUS_OF_PARSER_ERROR: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}
