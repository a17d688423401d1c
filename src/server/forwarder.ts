/** A request, answered by the thread that has the database: sent on as it comes, and its answer handed back as it comes. */
import { once } from 'node:events'
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
  request as sendRequest,
} from 'node:http'
import { pipeline } from 'node:stream'
import { ERROR_CATALOGUE, VicinalError } from '../core/errors.js'
import type { Stop } from '../core/stop.js'
import { hasLargeBody } from './failures.js'
import { ADMITTED_HEADER, ID_HEADER, PEER_HEADER } from './forwarded-requests.js'
import { nextRequestId, REQUEST_ID_HEADER } from './request-ids.js'
import { JSON_TYPE, MSGPACK_TYPE } from './respond.js'
import type { Message } from './stream.js'

/** What concerns one connection and is said anew on the other, and what is said of whoever is at its end. */
const OF_CONNECTION = new Set([
  ...['connection', 'keep-alive', 'transfer-encoding', 'trailer'],
  ...[PEER_HEADER, ID_HEADER, ADMITTED_HEADER],
])
/** And what a request that opened a stream says of that. */
const OF_OPENING = ['upgrade', 'accept', 'content-type', 'content-length', 'content-encoding', 'expect']
const TIMED_OUT = ERROR_CATALOGUE.TIMEOUT.status
const STOPPING = 'Service unavailable: it is stopping'
/** More wait for one of these to be free. All of several threads together fit into the queue of who is to accept them. */
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

  /** Nothing was read of its body. */
  pass(request: IncomingMessage, response: ServerResponse, id = nextRequestId()): void {
    if (response.socket === null) {
      inTurn(response, () => this.pass(request, response, id))
      return
    }
    const sent = this.#send(request, response, { id, more: framingOf(request), without: [] })
    if (request.headers.expect === undefined) {
      if (!sent) return
      request.pipe(sent)
      // With what came of the body; but the other thread may answer before there is any.
      setImmediate(() => sent.flushHeaders())
      return
    }
    sent?.flushHeaders()
    sent?.once('continue', () => {
      response.writeContinue()
      request.pipe(sent)
    })
  }

  /** This was its body. */
  passRead(request: IncomingMessage, response: ServerResponse, read: { body: Buffer | null; id: string }): void {
    if (response.socket === null) {
      inTurn(response, () => this.passRead(request, response, read))
      return
    }
    const { body, id } = read
    const more = ['content-length', String(body?.length ?? 0), ADMITTED_HEADER, '1']
    this.#send(request, response, { id, more, without: ['content-length', 'expect'] })?.end(body ?? undefined)
  }

  /** The body of the answer to the message, as it comes: posted where `opening` was sent, with its headers. */
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
    // Who is waited for below tells; what comes behind that concerns nobody.
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

  /** null where it has been answered: it cannot be sent. */
  #send(
    request: IncomingMessage,
    response: ServerResponse,
    { id, more, without }: { id: string; more: readonly string[]; without: readonly string[] },
  ): ClientRequest | null {
    const headers = [...withoutHeaders(request.rawHeaders, without), ...more, ...senderOf(request, id)]
    let sent: ClientRequest
    try {
      // As they are, in their order: what is said twice is for the other thread to judge.
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
    // Whoever hung up wants no answer.
    response.once('close', () => {
      if (!response.writableFinished) sent.destroy()
    })
    return sent
  }
}

/** Who has answered before the body was there to its end has no use for it. The last answer of a connection says so. */
function handBack(
  request: IncomingMessage,
  sent: ClientRequest,
  answer: IncomingMessage,
  response: ServerResponse,
  isLast: boolean,
): void {
  const told = withoutHeaders(answer.rawHeaders, [])
  const isUnread = !sent.writableEnded
  if (isUnread) {
    request.unpipe(sent)
    request.resume()
  }
  const leavesBody = isUnread && answer.statusCode !== 200 && hasLargeBody(request)
  // A body that came too slowly is not waited for, however small it is.
  const isCut = isUnread && answer.statusCode === TIMED_OUT
  const ends = isLast || leavesBody || isCut || answer.headers.connection === 'close'
  if (ends) told.push('connection', 'close')
  response.sendDate = false
  response.writeHead(answer.statusCode as number, told)
  pipeline(answer, response, () => {
    if (isUnread) sent.destroy()
  })
}

/**
 * Once the answers to earlier requests of its connection have been sent, of which the other thread knows nothing: the memory that this
 * answer is given there must not be what those wait for.
 */
function inTurn(response: ServerResponse, pass: () => void): void {
  response.once('socket', pass)
}

/** How its end is to be told; a length it has itself goes with its other headers. */
function framingOf({ method, headers }: IncomingMessage): string[] {
  if (headers['transfer-encoding'] !== undefined) return ['transfer-encoding', 'chunked']
  return headers['content-length'] !== undefined || method === 'GET' || method === 'HEAD' ? [] : ['content-length', '0']
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

/** The other thread is gone, or about to be. */
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
