/** Opens streams: a WebSocket on the `GET` path of a reading route, such as `/collections/NAME/points/query`. */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import { parse } from 'node:querystring'
import { WebSocketServer } from 'ws'
import { describeValue, invalid, VicinalError } from '../../core/errors.js'
import { andThen, type MaybePromise } from '../../core/maybe-promise.js'
import { checkCollectionName } from '../../core/names.js'
import { answerOn } from '../answers-under-way.js'
import type { ReadRoute } from '../call.js'
import type { Admitted } from '../callers.js'
import { declaredBytes } from '../declared-bytes.js'
import { answerAndClose } from '../failures.js'
import type { Metrics, RouteMetrics } from '../metrics.js'
import { MOST_MESSAGE_BYTES } from '../places.js'
import { REQUEST_ID_HEADER, requestIdOf } from '../request-ids.js'
import { errorEnvelopeOf, retryAfterSeconds } from '../respond.js'
import { endpointOf } from '../router.js'
import { RefusedToken, withdrawn } from '../tokens.js'
import { type Opening, Stream, type StreamParts } from './stream.js'

const MOST_FRAGMENTS = 1024
const MOST_CHUNKS = 4096
/** How long the peer may take to close too. */
const CLOSE_MS = 1000
const COLLECTION = '/collections/:name'

export interface StreamsParts extends StreamParts {
  routes: readonly ReadRoute[]
  metrics: Metrics
  maxBodyBytes: number
  keepAliveTimeoutMs: number
  /** Throws if the request may not open a stream. */
  admits(request: IncomingMessage): MaybePromise<Admitted>
  /** Whether a stream opened by this request may stay open, since keys can be withdrawn. */
  keeps(request: IncomingMessage): Promise<boolean>
}

export class Streams {
  readonly #server: Server
  readonly #parts: StreamsParts
  readonly #webSockets: WebSocketServer
  /** Keyed by the part of the path after the collection's name. */
  readonly #routes = new Map<string, { route: ReadRoute; metrics: RouteMetrics }>()
  readonly #open = new Set<Stream>()
  readonly #unopened: RouteMetrics
  /** Ids of requests that open a stream. */
  readonly #ids = new WeakMap<IncomingMessage, string>()
  readonly #watch: NodeJS.Timeout
  #isEnding = false

  constructor(server: Server, parts: StreamsParts) {
    this.#server = server
    this.#parts = parts
    this.#unopened = parts.metrics.route('GET', 'stream')
    const maxPayload = Math.min(MOST_MESSAGE_BYTES, parts.maxBodyBytes)
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload,
      maxFragments: MOST_FRAGMENTS,
      maxBufferedChunks: MOST_CHUNKS,
      closeTimeout: CLOSE_MS,
      // None of the offered subprotocols is accepted.
      handleProtocols: () => false,
    } as ConstructorParameters<typeof WebSocketServer>[0])
    for (const route of parts.routes) {
      if (route.method !== 'POST' || !route.path.startsWith(COLLECTION)) continue
      const metrics = parts.metrics.route(route.method, endpointOf(route.path))
      this.#routes.set(route.path.slice(COLLECTION.length), { route, metrics })
    }
    this.#webSockets.on('wsClientError', (error, connection, request) => {
      this.#refuse(connection as Socket, invalid('WebSocket', error.message), request, 'anyone')
    })
    this.#webSockets.on('headers', (headers, request) =>
      headers.push(`${REQUEST_ID_HEADER}: ${this.#ids.get(request)}`),
    )
    // Newer Node calls this to select upgrades; older Node hands over all of them.
    if ('shouldUpgradeCallback' in server) server.shouldUpgradeCallback = asksForWebSocket
    server.on('upgrade', (request: IncomingMessage, connection: Socket, head: Buffer) => {
      this.#upgrade(request, connection, head)
    })
    this.#watch = setInterval(() => {
      for (const stream of this.#open) stream.watch()
    }, parts.keepAliveTimeoutMs).unref()
  }

  /** Closes streams whose key was withdrawn. */
  recheck(): void {
    for (const stream of this.#open) {
      void this.#parts
        .keeps(stream.request)
        .then((keeps) => keeps || stream.refuse(withdrawn(), 'its key was withdrawn'))
    }
  }

  /** To be called LOOKS times a window of the rate that messages have to come with. */
  look(): void {
    for (const stream of this.#open) stream.look()
  }

  /** Ends each stream once its messages are answered. Call it until none is left. */
  endAll(): void {
    this.#isEnding = true
    clearInterval(this.#watch)
    for (const stream of this.#open) stream.end()
  }

  #upgrade(request: IncomingMessage, connection: Socket, head: Buffer): void {
    outliveFailure(connection)
    if (waitsForAnswer(connection, () => this.#upgrade(request, connection, head))) return
    if (connection.destroyed) return
    if (!asksForWebSocket(request)) {
      this.#decline(request, connection, { head, isLast: false })
      return
    }
    let subject = 'anyone'
    const open = (admitted: Admitted) => {
      subject = admitted.subject
      // Verifying its token took a while.
      if (connection.destroyed) return
      const { caller } = admitted
      if (declaredBytes(request) > 0) throw invalid('WebSocket', 'expected no body of the request that opens it')
      const opening = this.#openingOf(request, admitted)
      this.#parts.places.open(caller)
      connection.once('close', () => this.#parts.places.closed(caller))
      this.#begin(request, connection, head, opening)
    }
    const fail = (error: unknown) => {
      const isForOther = this.#parts.mainThread && (error as VicinalError).code === 'UNAUTHENTICATED'
      if (isForOther) this.#decline(request, connection, { head, isLast: true })
      else
        this.#refuse(
          connection,
          error as VicinalError,
          request,
          error instanceof RefusedToken ? error.subject : subject,
        )
    }
    try {
      const admitted = andThen(this.#parts.admits(request), open)
      if (admitted instanceof Promise) admitted.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  /** The connection is emitted again with an ordinary request. */
  #decline(request: IncomingMessage, connection: Socket, how: { head: Buffer; isLast: boolean }): void {
    declineUpgrade(this.#server, request, connection, how)
  }

  #refuse(connection: Socket, error: VicinalError, request: IncomingMessage, subject: string): void {
    const id = requestIdOf(request.headers)
    const { name, found } = this.#targetOf(request)
    const action = `GET ${found ? endpointOf(found.route.path) : 'unmatched'}`
    this.#parts.onFailure(error, { request, id, subject, action, collection: found ? readable(name) : null })
    this.#unopened.observe(error.status, 0)
    refuseUpgrade(connection, error, id)
  }

  #begin(request: IncomingMessage, connection: Socket, head: Buffer, opening: Opening): void {
    this.#webSockets.handleUpgrade(request, connection, head, (socket) => {
      const stream = new Stream(socket, connection, opening, this.#parts)
      this.#open.add(stream)
      socket.once('close', () => this.#open.delete(stream))
      if (this.#isEnding) stream.end()
    })
  }

  /** The name is not yet decoded. `found` is undefined if no stream is there. */
  #targetOf({ url = '' }: IncomingMessage) {
    const end = url.indexOf('?')
    const path = end < 0 ? url : url.slice(0, end)
    const search = end < 0 ? '' : url.slice(end + 1)
    const [, collections, name = '', ...rest] = path.split('/')
    const found = collections === 'collections' ? this.#routes.get(`/${rest.join('/')}`) : undefined
    return { path, search, name, found }
  }

  #openingOf(request: IncomingMessage, admitted: Admitted): Opening {
    const { path, search, name, found } = this.#targetOf(request)
    if (!found) {
      throw new VicinalError(
        'NOT_FOUND',
        `Not found: no such stream, got ${describeValue(path)} (expected the path of a read)`,
      )
    }
    if (admitted.valueExists) throw new VicinalError('FORBIDDEN', 'a token with value_exists opens no stream')
    const id = requestIdOf(request.headers)
    this.#ids.set(request, id)
    const params = { name: checkCollectionName(decoded(name), 'collection_name') }
    admitted.rights.check('read', found.route.scope, params.name)
    const named = { params, query: parse(search) }
    return { request, id, ...admitted, ...found, ...named }
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw invalid('request target', 'expected a path that can be decoded', name)
  }
}

/** For logs. */
function readable(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const OF_UPGRADE = new Set(['connection', 'upgrade', 'http2-settings'])

function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Calls `go` once the present answer is sent, if earlier, pipelined requests of the connection are still being answered.
 * Node has removed its own listeners, so `drain` is passed on meanwhile.
 */
function waitsForAnswer(connection: Socket, go: () => void): boolean {
  const answer = answerOn(connection)
  if (!answer) return false
  const drain = () => answer.emit('drain')
  connection.on('drain', drain)
  answer.once('close', () => {
    connection.off('drain', drain)
    go()
  })
  return true
}

/**
 * Adds a listener that ignores errors: without one the process would end. The failed connection emits `close` as usual.
 */
function outliveFailure(connection: Socket): void {
  connection.off('error', hear).on('error', hear)
}

function hear(): void {}

/** Answers in HTTP, which the connection still speaks, and closes it. */
function refuseUpgrade(connection: Socket, error: VicinalError, id: string): void {
  const body = JSON.stringify(errorEnvelopeOf(error, performance.now()))
  const head = [`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`]
  const { retryAfterMs } = error
  if (retryAfterMs !== undefined) head.push(`retry-after: ${retryAfterSeconds(retryAfterMs)}`)
  answerAndClose(connection, head, body, id)
}

/**
 * Handles clients that offer HTTP/2 with their first request but accept an ordinary answer. Node hands these over as
 * upgrades too. The request is put back on its connection without the offer, and the connection goes back to the
 * server.
 */
function declineUpgrade(
  server: Server,
  request: IncomingMessage,
  connection: Socket,
  { head, isLast }: { head: Buffer; isLast: boolean },
): void {
  const { method, url, httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (!OF_UPGRADE.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[at + 1]}`)
  }
  if (isLast || /\bclose\b/i.test(request.headers.connection ?? '')) lines.push('connection: close')
  // Clears the timeout of a connection that waited for its next request after an answer: this is that request.
  connection.setTimeout(0)
  connection.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit(server instanceof SecureServer ? 'secureConnection' : 'connection', connection)
}
