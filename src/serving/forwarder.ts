/**
 * Forwards a request to the main thread, and returns its answer. Both are passed on as they arrive.
 */
import { once } from 'node:events'
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
  request as sendRequest,
} from 'node:http'
import { ERROR_CATALOGUE, VicinalError } from '../core/errors.js'
import type { Stop } from '../core/stop.js'
import { hasLargeBody } from '../server/failures.js'
import type { Message } from '../server/main-thread.js'
import { TRACEPARENT_HEADER } from '../server/observation.js'
import { dropBody, framingOf, isStreamsAnswer, passBody } from '../server/pass-on.js'
import { INTERNAL } from '../server/peers.js'
import { nextRequestId, REQUEST_ID_HEADER, requestIdOf } from '../server/request-ids.js'
import { JSON_TYPE, MSGPACK_TYPE } from '../server/respond.js'
import { ADMITTED_HEADER, ID_HEADER, PEER_HEADER } from './forwarded-requests.js'

/** Hop-by-hop headers and the headers set by the forwarding thread: a client's own are never forwarded. */
const OF_CONNECTION = new Set([
  ...['connection', 'keep-alive', 'transfer-encoding', 'trailer'],
  ...[PEER_HEADER, ID_HEADER, ADMITTED_HEADER],
])
/** Headers that describe the request that opened a stream, not its messages. */
const OF_OPENING = ['upgrade', 'accept', 'content-type', 'content-length', 'content-encoding', 'expect']
const OK = 200
const TIMED_OUT = ERROR_CATALOGUE.TIMEOUT.status
const STOPPING = 'Service unavailable: it is stopping'
/**
 * Bound on connections; further requests wait for one. Several threads' connections fit into the receiver's backlog.
 */
const MOST_SOCKETS = 512
const MOST_IDLE_SOCKETS = 32

export class Forwarder {
  readonly #socketPath: string
  readonly #isClosing: () => boolean
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS, maxFreeSockets: MOST_IDLE_SOCKETS })

  constructor(socketPath: string, isClosing: () => boolean) {
    this.#socketPath = socketPath
    this.#isClosing = isClosing
  }

  /** Forwards a request whose body is still unread. */
  pass(request: IncomingMessage, response: ServerResponse, id = requestIdOf(request.headers)): void {
    if (response.socket === null) {
      inTurn(response, () => this.pass(request, response, id))
      return
    }
    const sent = this.#send(request, response, { id, more: Object.entries(framingOf(request)).flat(), without: [] })
    if (request.headers.expect === undefined) {
      if (sent) passBody(request, sent)
      return
    }
    sent?.flushHeaders()
    sent?.once('continue', () => {
      response.writeContinue()
      passBody(request, sent)
    })
  }

  /** Forwards a request whose body was already read. */
  passRead(
    request: IncomingMessage,
    response: ServerResponse,
    read: { body: Buffer | null; id: string; traceparent: string | undefined },
  ): void {
    if (response.socket === null) {
      inTurn(response, () => this.passRead(request, response, read))
      return
    }
    const { body, id, traceparent } = read
    const traced = traceparent === undefined ? [] : [TRACEPARENT_HEADER, traceparent]
    const more = ['content-length', String(body?.length ?? 0), ADMITTED_HEADER, '1', ...traced]
    const without = ['content-length', 'expect', TRACEPARENT_HEADER]
    this.#send(request, response, { id, more, without })?.end(body ?? undefined)
  }

  /** Posts the message with the path and headers of `opening`. Resolves to the body of the answer as it arrives. */
  async ask(opening: IncomingMessage, { bytes, isText }: Message, stop: Stop): Promise<AsyncIterable<Buffer>> {
    const { accept } = opening.headers
    const type = isText ? JSON_TYPE : MSGPACK_TYPE
    const accepted = !isText && accept?.includes(MSGPACK_TYPE) ? accept : type
    const headers = [
      ...withoutHeaders(opening.rawHeaders, OF_OPENING),
      ...['content-type', type, 'accept', accepted, 'content-length', String(bytes.length)],
      ...[ADMITTED_HEADER, '1'],
      ...senderOf(opening, nextRequestId()),
    ]
    const sent = sendRequest({ ...this.#options('POST', opening.url as string), headers: headers as never })
    // The wait for the response below reports errors. Later errors are ignored.
    sent.on('error', () => {})
    const onStop = () => sent.destroy()
    stop.onStop(onStop)
    if (stop.isStopped) onStop()
    try {
      sent.end(bytes)
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      answer.once('close', () => stop.offStop(onStop))
      return answer
    } catch (cause) {
      stop.offStop(onStop)
      throw new VicinalError('UNAVAILABLE', STOPPING, { cause })
    }
  }

  #options(method: string, path: string): RequestOptions {
    return { socketPath: this.#socketPath, agent: this.#agent, method, path, setHost: false }
  }

  close(): void {
    this.#agent.destroy()
  }

  /** null if the request could not be sent; then it has been answered. */
  #send(
    request: IncomingMessage,
    response: ServerResponse,
    { id, more, without }: { id: string; more: readonly string[]; without: readonly string[] },
  ): ClientRequest | null {
    const headers = [...withoutHeaders(request.rawHeaders, without), ...more, ...senderOf(request, id)]
    let sent: ClientRequest
    try {
      // Headers keep their order and duplicates, so that the other thread can judge them.
      sent = sendRequest({
        ...this.#options(request.method as string, request.url as string),
        headers: headers as never,
      })
    } catch (error) {
      fail(response, error as Error, id)
      return null
    }
    sent.once('response', (answer) => handBack(request, sent, answer, response, this.#isClosing()))
    sent.on('error', (error) => fail(response, error, id))
    // A client that hung up wants no answer.
    response.once('close', () => {
      if (!response.writableFinished) sent.destroy()
    })
    return sent
  }
}

/** If the other thread answers early, drops the rest of the body. The connection's last answer has `Connection: close`. */
function handBack(
  request: IncomingMessage,
  sent: ClientRequest,
  answer: IncomingMessage,
  response: ServerResponse,
  isLast: boolean,
): void {
  const told = withoutHeaders(answer.rawHeaders, [])
  const isUnread = !sent.writableEnded && !isStreamsAnswer(request, answer)
  if (isUnread) dropBody(request, sent)
  // A node stops sending once it has the answer, which it might not read from a connection that was closed.
  const isOfNode = request.url?.startsWith(INTERNAL) === true
  const leavesBody = isUnread && answer.statusCode !== OK && hasLargeBody(request) && !isOfNode
  // A body that arrived too slowly is not awaited, however small it is.
  const isCut = isUnread && answer.statusCode === TIMED_OUT
  const ends = isLast || leavesBody || isCut || answer.headers.connection === 'close'
  if (ends) told.push('connection', 'close')
  response.sendDate = false
  response.writeHead(answer.statusCode as number, told)
  // A pipeline would add seven listeners to the answer, which has those of its request's way already.
  answer.on('error', () => response.destroy())
  response.once('finish', () => {
    if (sent.writableEnded) return
    dropBody(request, sent)
    sent.destroy()
  })
  answer.pipe(response)
}

/**
 * Waits until the answers to earlier requests of the connection were sent. The other thread does not know of them: the
 * memory that it reserves for this answer could be memory that those answers wait for.
 */
function inTurn(response: ServerResponse, pass: () => void): void {
  response.once('socket', pass)
}

function senderOf({ socket: { remoteAddress } }: IncomingMessage, id: string): string[] {
  return remoteAddress === undefined ? [ID_HEADER, id] : [ID_HEADER, id, PEER_HEADER, remoteAddress]
}

function withoutHeaders(raw: readonly string[], without: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    if (!OF_CONNECTION.has(name) && !without.includes(name)) kept.push(raw[at] as string, raw[at + 1] as string)
  }
  return kept
}

/** Answers 503, because the other thread has stopped or is stopping. */
function fail(response: ServerResponse, cause: Error, id: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { status, code, message } = new VicinalError('UNAVAILABLE', STOPPING, { cause })
  const body = JSON.stringify({ status: { error: message, code }, time: 0 })
  const headers = { 'content-type': JSON_TYPE, connection: 'close', [REQUEST_ID_HEADER]: id }
  response.writeHead(status, headers).end(body)
}
