/** Turns every failure of a request into an answer of one shape. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { VicinalError } from '../core/errors.js'
import { answerOn } from './answers-under-way.js'
import { unsupportedType } from './bodies.js'
import { declaredBytes } from './declared-bytes.js'
import type { FailureLog } from './failure-log.js'
import { endSlowly } from './lingering-close.js'
import { MalformedHead } from './request-head.js'
import { nextRequestId, REQUEST_ID_HEADER } from './request-ids.js'
import { JSON_TYPE, sendError } from './respond.js'
import { configOf } from './router.js'
import { isStreaming, unsupportedStream } from './streamed-body.js'
import { VERSION, VERSION_HEADER } from './versions.js'

/** A rejected body of unknown or larger size is not read to its end: the connection ends with the answer. */
const DRAINED_BODY_BYTES = 64 * 1024

export function registerFailures(app: FastifyInstance, maxBodyBytes: number, log: FailureLog): void {
  app.setErrorHandler((error: FastifyError | VicinalError, request, reply) => {
    const known = vicinalError(error, request, maxBodyBytes)
    if (!isForwarded(request) && leavesConnection(error, known, request.raw)) reply.header('connection', 'close')
    // The framework closes the connection after any failed body, as if the client might send more of it.
    else reply.removeHeader('connection')
    if (request.ticket) request.ticket.failure = known.code
    note(log, { known, cause: error }, request)
    return sendError(request, reply, known)
  })
  app.setNotFoundHandler((request, reply) =>
    sendError(request, reply, new VicinalError('NOT_FOUND', `Not found: no such route for ${request.method}`)),
  )
}

/**
 * Whether a forwarding thread or node sent the request. It stops sending once it has the answer, and closes the client's
 * connection itself. Closed from here, its connection could end before it has read the answer.
 */
export function isForwarded(request: FastifyRequest): boolean {
  return request.ticket?.peer !== undefined || configOf(request)?.declared.access === 'cluster'
}

/** Answers requests that fastify refuses before any hook runs, such as a path that cannot be decoded. */
export function frameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendError(request, reply, new VicinalError('INVALID_ARGUMENT', `request target: ${error.message}`))
}

function vicinalError(error: FastifyError | VicinalError, request: FastifyRequest, maxBodyBytes: number): VicinalError {
  if (error instanceof VicinalError) return error
  const { statusCode = 500 } = error
  if (statusCode === 413) {
    return new VicinalError('TOO_LARGE', `body: expected at most ${maxBodyBytes} bytes`)
  }
  if (statusCode === 415) {
    const seen = request.headers['content-type']
    return configOf(request)?.declared.isStream ? unsupportedStream(seen) : unsupportedType(seen)
  }
  if (statusCode >= 400 && statusCode < 500) {
    return new VicinalError('INVALID_ARGUMENT', `body: ${error.message}`)
  }
  return new VicinalError('INTERNAL', `Service internal error: see the log for request ${request.id}`)
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

/** Input that is no HTTP gets a plain answer, and its connection is closed. */
export function clientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const answer = answerOn(socket)
  // A stream takes as long as it takes.
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && answer && isStreaming(answer.req)) return
  // An answer to this head or to an earlier request is already being sent; a second one would corrupt it.
  if (answer?.headersSent) {
    endSlowly(socket)
    return
  }
  const status = STATUS_OF_PARSER_ERROR[error.code ?? ''] ?? '400 Bad Request'
  const body = JSON.stringify({ status: { error: `Wrong input: ${status.slice(4)}` }, time: 0 })
  answerAndClose(socket, [`HTTP/1.1 ${status}`], body, nextRequestId())
}

/** Writes an answer without a response object: the given head lines, then JSON. */
export function answerAndClose(socket: Socket, head: readonly string[], body: string, id: string): void {
  const told = [`${VERSION_HEADER}: ${VERSION}`, 'x-content-type-options: nosniff', `${REQUEST_ID_HEADER}: ${id}`]
  const framing = [`Content-Type: ${JSON_TYPE}`, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
  socket.write(`${[...head, ...told, ...framing].join('\r\n')}\r\n\r\n${body}`)
  endSlowly(socket)
}

const STATUS_OF_PARSER_ERROR: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}
