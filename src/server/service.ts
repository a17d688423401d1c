import type { IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Awaitable, andThen } from '../core/awaitable.js'
import { Elsewhere } from '../core/elsewhere.js'
import { VicinalError } from '../core/errors.js'
import type { RoomHolder } from '../core/inner-call.js'
import type { MemoryGate } from '../core/memory.js'
import type { Stop } from '../core/stop.js'
import { turnBudget } from '../core/turn-budget.js'
import { Admission, type BudgetRow } from './admission.js'
import { type ArrivalParts, Arrivals, FEW_VALUE_BYTES, LARGE_BODY_BYTES, LOOKS } from './arriving-body.js'
import { KeyRing, type Keys, type KnownKey, WrongKey } from './auth.js'
import { checkContentEncoding, registerBodies } from './bodies.js'
import type { Asked, ReadCall, ReadRoute, RouteOf } from './call.js'
import { type Admitted, callerOf } from './callers.js'
import { answerPreflight, isPreflight, tellOrigin } from './cors.js'
import { FailureLog } from './failure-log.js'
import { registerFailures } from './failures.js'
import { createApp } from './fastify-app.js'
import { HostGuard, isLoopback } from './hosts.js'
import { Metrics, type RouteMetrics, type ServiceState } from './metrics.js'
import { OpenSockets } from './open-sockets.js'
import { QueuedAnswers } from './queued-answers.js'
import { nextRequestId, REQUEST_ID_HEADER } from './request-ids.js'
import { type AnswerElsewhere, type Entrance, type RouteConfig, registerRoutes } from './router.js'
import type { ServerSettings } from './settings.js'
import { StalledReaders } from './stalled-readers.js'
import type { Message } from './stream.js'
import { Streams } from './streams.js'
import { OpenTickets, Ticket, type Trust } from './ticket.js'
import { VERSION, VERSION_HEADER } from './versions.js'
import { WrongKeys } from './wrong-keys.js'

const CLOSED_RETRY_AFTER_MS = 1000
/** How often a service that stops looks for connections that have got their answers. */
const IDLE_EVERY_MS = 20
const LOGGED_PATH_CHARS = 512
const POINTS = '/collections/:name/points'
/** Of a limit of memory: what the bodies of reads may have together, and those of writes; and one message at most. */
const BODY_SHARE = 1 / 4

/** What differs between the thread that has the database and those that read beside it. */
export interface ServiceParts<C extends ReadCall> {
  settings: ServerSettings
  memory: MemoryGate | null
  /** Where threads serve together: the counters of all of them. */
  budgets?: BudgetRow
  /** Of threads that answer beside this one. */
  others: () => Promise<readonly ServiceState[]>
  routes(service: Service<C>): readonly RouteOf<C>[]
  callOf(request: FastifyRequest): C
  /** Answers what this thread cannot. */
  elsewhere?: AnswerElsewhere
  /** Has another thread refuse a request that has no key, or a wrong one: wrong keys are counted in one place. */
  refuseElsewhere?: AnswerElsewhere
  streams: {
    routes: readonly ReadRoute[]
    callOf(asked: Asked): ReadCall
    /** The same of a message. */
    askOther?(opening: IncomingMessage, message: Message, stop: Stop): Promise<AsyncIterable<Buffer>>
    isForOther?(bytes: number): boolean
  }
}

/** Requests on their way through one thread: whoever they are answered by, all pass the same gates. */
export class Service<C extends ReadCall> {
  readonly app: FastifyInstance
  readonly metrics: Metrics
  readonly #settings: ServerSettings
  readonly #keys: KeyRing
  readonly #wrongKeys = new WrongKeys(() => this.app.log)
  readonly #failures = new FailureLog(() => this.app.log)
  readonly #refuseElsewhere: AnswerElsewhere | undefined
  readonly #guard: HostGuard
  readonly #admission: Admission
  readonly #unmatched: RouteMetrics
  readonly #memory: MemoryGate | null
  readonly #tickets = new OpenTickets()
  readonly #queued = new QueuedAnswers()
  readonly #sockets: OpenSockets
  readonly #stalled: StalledReaders
  readonly #looking: NodeJS.Timeout
  readonly #streams: Streams
  /** Known beforehand, so that no line is put together only to be dropped. */
  readonly #logsRequests: boolean
  #closing: Promise<void> | null = null
  /** Requests that come now come too late. */
  #isRefusing = false
  readonly #trusted = new WeakMap<IncomingMessage, Trust>()

  constructor(parts: ServiceParts<C>) {
    const { settings, memory, budgets, others, routes, callOf, elsewhere } = parts
    this.#settings = settings
    this.#memory = memory
    this.#keys = new KeyRing(settings)
    this.#refuseElsewhere = parts.refuseElsewhere
    this.#guard = new HostGuard(settings, () => !this.#keys.isEmpty)
    this.#admission = new Admission(settings, budgets, () => this.#mostBodyBytes)
    this.metrics = new Metrics({ own: () => this.state(), others, memory, budgets: this.#admission.budgets })
    this.#unmatched = this.metrics.route('OTHER', 'unmatched')
    this.app = createApp(settings, {
      idOf: (request) => this.#trusted.get(request)?.id ?? nextRequestId(),
      tellUnseen: (request, reply) => {
        this.#tell(request, reply)
        // Its head may be one that two readers take differently.
        if (!this.#trusted.has(request.raw)) reply.header('connection', 'close')
      },
    })
    this.#sockets = new OpenSockets(this.app.server)
    this.#stalled = new StalledReaders(this.#sockets, settings.stalledReaderMs)
    this.#looking = setInterval(() => this.#look(), settings.bodyWindowMs / LOOKS).unref()
    this.#logsRequests = settings.logLevel === 'debug' || settings.logLevel === 'trace'
    registerBodies(this.app, {
      arrivals: this.#openArrivals(),
      find: (request) => findCollection(request, callOf),
      roomFor: (bytes, ticket) => this.#roomFor(bytes, ticket),
    })
    registerFailures(this.app, settings.maxBodyBytes, this.#failures)
    registerRoutes(this.app, routes(this), {
      metrics: this.metrics,
      callOf,
      entrance: (request, reply, config, done) => this.#enter(request, reply, config, done),
      ...(elsewhere ? { elsewhere } : {}),
    })
    this.#streams = this.#openStreams(parts.streams)
  }

  /** At what is on its way. */
  #look(): void {
    this.#tickets.look()
    this.#streams.look()
  }

  #openArrivals(): Arrivals {
    const room: ArrivalParts['room'] = this.#memory ? (bytes, stop, holder) => this.#room(bytes, stop, holder) : null
    return new Arrivals({ ...this.#settings, admission: this.#admission, room })
  }

  #openStreams({ isForOther = () => false, ...given }: ServiceParts<C>['streams']): Streams {
    return new Streams(this.app.server, {
      ...given,
      isForOther,
      metrics: this.metrics,
      admission: this.#admission,
      rate: this.#settings,
      maxBodyBytes: this.#mostReadBytes,
      keepAliveTimeoutMs: this.#settings.keepAliveTimeoutMs,
      room: (bytes, stop, holder) =>
        bytes >= LARGE_BODY_BYTES && this.#memory ? this.#room(bytes, stop, holder) : null,
      admits: (request) => this.#admitStream(request),
      keeps: ({ headers }) => this.#keys.lets(headers, 'read'),
      refusesElsewhere: this.#refuseElsewhere !== undefined,
      onFailure: (known, { url, socket }, reqId) => {
        const facts = { reqId, method: 'GET', path: pathOf(url as string), code: known.code }
        this.#failures.note(facts, { known, cause: known.cause ?? known, peer: socket.remoteAddress })
      },
    })
  }

  /** The gates of a request, of one that opens a stream. */
  #admitStream(request: IncomingMessage): Admitted {
    this.#guard.check(request)
    const key = this.#keyOf(request)
    if (this.#isRefusing) throw stopping()
    const caller = callerOf(key, this.#keys.size, request.socket.remoteAddress)
    return { caller, isReadOnly: key?.isReadOnly ?? false }
  }

  #keyOf({ headers, socket }: IncomingMessage): KnownKey | null {
    try {
      return this.#keys.check(headers, 'read')
    } catch (error) {
      throw this.#counted(error as Error, socket.remoteAddress)
    }
  }

  #counted(error: Error, peer: string | undefined): Error {
    return error instanceof WrongKey && !this.#refuseElsewhere ? this.#wrongKeys.answerTo(error, peer) : error
  }

  /** Streams that a key has opened which is none any more are closed. */
  replaceKeys(keys: Keys): void {
    this.#keys.replace(keys)
    this.#streams.recheck()
  }

  /** Whether it is to stay with this server, though it seems to come anew. */
  hasSeen(connection: Socket): boolean {
    return this.#streams.hasDeclined(connection)
  }

  /** For routes that are open, and show more to whoever has a key. */
  readonly mayRead = ({ headers, raw, ticket }: FastifyRequest): boolean => {
    try {
      this.#keys.check(headers, 'read')
      return true
    } catch (error) {
      this.#counted(error as Error, ticket.peer ?? raw.socket.remoteAddress)
      return false
    }
  }

  readonly isClosing = (): boolean => this.#closing !== null

  state(): ServiceState {
    return { routes: this.metrics.counts(), inWork: this.#admission.inWork, threads: 1 }
  }

  /** Whether the gate that looks at its connection lets it pass. */
  lets(request: IncomingMessage): boolean {
    try {
      this.#guard.check(request)
      return true
    } catch {
      return false
    }
  }

  /** Another thread has let this request pass the gate that looks at its connection. */
  trust(request: IncomingMessage, trust: Trust): void {
    this.#trusted.set(request, trust)
  }

  async listen(): Promise<string> {
    const { host, port, allowInsecurePublic } = this.#settings
    if (!isLoopback(host) && this.#keys.isEmpty && !allowInsecurePublic) {
      throw new VicinalError(
        'INVALID_ARGUMENT',
        `host: refusing to listen on ${host} without an API key; set a key, or insist with allow-insecure-public`,
      )
    }
    if (!isLoopback(host) && !this.#keys.isEmpty && this.#settings.tls === null) {
      this.app.log.warn({ host }, 'keys travel in clear text: no TLS certificate is set')
    }
    await this.app.listen({ host, port })
    const { address, port: taken, family } = this.app.server.address() as AddressInfo
    const scheme = this.#settings.tls ? 'https' : 'http'
    return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
  }

  /** For a server that is handed its connections. */
  async listenOn(socketPath: string): Promise<void> {
    await this.app.listen({ path: socketPath })
  }

  close(deadlineMs: number = this.#settings.closeDeadlineMs): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    this.app.log.info({ inWork: this.#admission.inWork, deadlineMs }, 'stopping')
    const cut = setTimeout(() => {
      this.app.log.warn({ inWork: this.#admission.inWork }, 'deadline passed: cutting off requests in work')
      this.#tickets.stopAll()
      this.#sockets.endAll()
    }, deadlineMs)
    this.#tickets.endConnections()
    const lingering = this.#linger()
    await Promise.all([this.app.close(), this.#sockets.none()])
    this.#streams.endAll()
    this.#stalled.end()
    clearInterval(this.#looking)
    clearInterval(lingering)
    clearTimeout(cut)
    this.#wrongKeys.end()
    this.#failures.end()
    this.app.log.info('stopped')
  }

  /** Whatever closes the server would close its idle connections first. */
  #linger(): NodeJS.Timeout {
    const { server } = this.app
    const closeIdle = server.closeIdleConnections.bind(server)
    server.closeIdleConnections = () => {}
    const overMs = performance.now() + this.#settings.closeLingerMs
    return setInterval(() => {
      if (performance.now() < overMs) return
      this.#isRefusing = true
      this.#streams.endAll()
      // To Node a connection is idle whose answer it has in memory: it would be cut off.
      if (!this.#sockets.areWriting()) closeIdle()
      this.#sockets.endUnused()
    }, IDLE_EVERY_MS)
  }

  #enter(...[request, reply, config, done]: Parameters<Entrance>): void {
    const refusal = this.#refusal(request, reply, config)
    if (this.#refuseElsewhere && (refusal as VicinalError | undefined)?.code === 'UNAUTHENTICATED') {
      this.#refuseElsewhere(request, reply)
    } else if (!refusal && isPreflight(request.raw, this.#guard)) answerPreflight(reply)
    else done(refusal)
  }

  /** The gate every request passes before its body is read. Returns why it may not pass. */
  #refusal(request: FastifyRequest, reply: FastifyReply, config: RouteConfig | undefined): Error | undefined {
    const ticket = new Ticket(reply.raw, config?.metrics ?? this.#unmatched, this.#admission)
    request.ticket = ticket
    this.#tickets.add(ticket)
    reply.raw.once('close', () => {
      this.#tickets.delete(ticket)
      const { status, elapsedMs } = ticket.end()
      if (this.#logsRequests) logRequest(request, status, elapsedMs)
    })
    this.#queued.note(reply.raw, request.raw.socket)
    this.#tell(request, reply)
    try {
      const trust = this.#trusted.get(request.raw)
      if (trust) ticket.trust(trust)
      else this.#guard.check(request.raw)
      // Where no route matched there is nothing to see without a key either.
      const access = isPreflight(request.raw, this.#guard) ? 'open' : (config?.declared.access ?? 'read')
      const key = this.#keys.check(request.headers, access)
      ticket.caller = callerOf(key, this.#keys.size, ticket.peer ?? request.raw.socket.remoteAddress)
      ticket.isReadOnly = key?.isReadOnly ?? false
      const work = config?.declared.work ?? 'light'
      ticket.mostBytes = work === 'write' ? this.#settings.maxBodyBytes : this.#mostReadBytes
      const isForwarded = ticket.peer !== undefined
      // The threads' own connections tell when theirs are too late; the one between them stays open until they end.
      if (isForwarded) reply.raw.removeHeader('connection')
      else if (this.#isRefusing && work !== 'light') throw stopping()
      checkContentEncoding(request.headers['content-encoding'])
      ticket.admit(work)
      if (work === 'read') turnBudget.noteArrival()
      // Only now is a client that asks first told to send its body.
      if (request.headers.expect !== undefined) reply.raw.writeContinue()
      return undefined
    } catch (error) {
      return this.#counted(error as Error, ticket.peer ?? request.raw.socket.remoteAddress)
    }
  }

  /** What every answer has. */
  #tell(request: FastifyRequest, reply: FastifyReply): void {
    // Stored payloads are strangers' text: no browser is to take them for anything but what the type says.
    reply.header(VERSION_HEADER, VERSION).header('x-content-type-options', 'nosniff')
    reply.header(REQUEST_ID_HEADER, request.id)
    tellOrigin(request.raw, reply, this.#guard)
  }

  get #mostReadBytes(): number {
    return Math.min(this.#settings.maxBodyBytes, this.#settings.maxReadBodyBytes)
  }

  get #mostBodyBytes(): number {
    return (this.#memory?.limitBytes ?? Number.POSITIVE_INFINITY) * BODY_SHARE
  }

  /** The values of a body count among the bytes of bodies, and are to fit below the limit of memory. */
  #roomFor(valueBytes: number, ticket: Ticket): Awaitable<void> {
    if (valueBytes <= FEW_VALUE_BYTES) return
    return andThen(ticket.body?.takeValues(valueBytes), () => {
      if (!this.#memory) return
      return andThen(this.#memory.reserve(valueBytes, ticket.stop, ticket), (release) => ticket.hold(release))
    })
  }

  /** Bytes as they come are to fit below the limit of memory; the values made of them ask for themselves. */
  #room(bytes: number, stop: Stop, holder?: RoomHolder): Awaitable<() => void> {
    return (this.#memory as MemoryGate).reserve(Math.min(bytes, this.#mostBodyBytes), stop, holder)
  }
}

/** A thread that does not know it has another one answer. */
async function findCollection<C extends ReadCall>(
  request: FastifyRequest,
  callOf: (request: FastifyRequest) => C,
): Promise<void> {
  if (!request.routeOptions.url?.startsWith(POINTS)) return
  try {
    await callOf(request).reads()
  } catch (error) {
    if (!(error instanceof Elsewhere)) throw error
  }
}

function stopping(): VicinalError {
  return new VicinalError('UNAVAILABLE', 'Service is stopping', { retryAfterMs: CLOSED_RETRY_AFTER_MS })
}

/** The path only: a query string may carry secrets, a body always may. */
function logRequest(request: FastifyRequest, status: number, elapsedMs: number): void {
  const path = pathOf(request.url)
  request.log.debug({ reqId: request.id, method: request.method, path, status, elapsedMs }, 'request')
}

function pathOf(url: string): string | undefined {
  return url.split('?', 1)[0]?.slice(0, LOGGED_PATH_CHARS)
}
