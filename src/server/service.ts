import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallOptions } from '../core/call-options.js'
import { VicinalError } from '../core/errors.js'
import type { RoomHolder } from '../core/inner-call.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import type { MemoryGate } from '../core/memory.js'
import type { Stop } from '../core/stop.js'
import type { Tracing } from '../core/tracing.js'
import { turnBudget } from '../core/turn-budget.js'
import { type ArrivalParts, ArrivingBodies, FEW_VALUE_BYTES, LARGE_BODY_BYTES, LOOKS } from './arriving-body.js'
import type { AuditLog } from './audit-log.js'
import { ANYONE, type Identity, KeyRing, type Keys } from './auth.js'
import { checkContentEncoding, findCollection, registerBodies } from './bodies.js'
import type { Asked, ReadCall, ReadRoute, RouteOf } from './call.js'
import { type Admitted, callerOf } from './callers.js'
import { FailureLog } from './failure-log.js'
import { registerFailures } from './failures.js'
import { createApp } from './fastify-app.js'
import { answerPreflight, HostGuard, isLoopback, isPreflight, tellOrigin } from './hosts.js'
import { KnownCallers } from './known-callers.js'
import type { MainThread } from './main-thread.js'
import { Metrics, type RouteMetrics, type ServiceState } from './metrics.js'
import { Observation, pathOf } from './observation.js'
import { OpenSockets, StalledReaders } from './open-sockets.js'
import { answeredByOtherNode, checkAnswersStreams } from './other-nodes.js'
import { actorOf, type Peers, subjectOf } from './peers.js'
import { type BudgetRow, Places } from './places.js'
import { REQUEST_ID_HEADER, requestIdOf } from './request-ids.js'
import { Rights } from './rights.js'
import { type Entrance, type RouteConfig, registerRoutes } from './router.js'
import type { ServerSettings } from './server-settings.js'
import { Streams } from './streams/streams.js'
import { OpenTickets, Ticket, type Trust } from './ticket.js'
import { RefusedToken, type ValueExists } from './tokens.js'
import { VERSION, VERSION_HEADER } from './versions.js'
import { workFigures } from './work-metrics.js'
import { WrongKeys } from './wrong-keys.js'

const CLOSED_RETRY_AFTER_MS = 1000
/** How often a stopping service looks for connections whose answers are sent. */
const IDLE_EVERY_MS = 20
const OPEN = { access: 'open', work: 'light' } as const
/** The access that a request without a matching route needs. */
const UNMATCHED: RouteConfig['declared'] = { access: 'read', scope: 'listed', work: 'light' }
const ONLY_READS = 'this service only reads: start `vicinal serve` to write'
/** Share of the memory limit: for bodies of reads, for bodies of writes, and for one message. */
const BODY_SHARE = 1 / 4

/** The differences between the main thread and the other serving threads. */
export interface ServiceParts<C extends ReadCall> {
  settings: ServerSettings
  memory: MemoryGate | null
  /** The counters of all serving threads. */
  budgets?: BudgetRow
  /** States of the other serving threads. */
  others: () => Promise<readonly ServiceState[]>
  routes(service: Service<C>): readonly RouteOf<C>[]
  callOf(request: FastifyRequest): C
  /** Answers requests that this thread cannot answer. */
  mainThread?: MainThread
  /** The other nodes of the database's store. */
  peers?: Peers
  /** Whether the collection has a point with these values. Only the thread with the database knows. */
  valueExists?(claim: ValueExists, call: CallOptions): Promise<boolean>
  tracing?: Tracing | null
  audit?: AuditLog | null
  streams: { routes: readonly ReadRoute[]; callOf(asked: Asked): ReadCall }
}

/** Requests on their way through one thread. All pass the same checks, whichever thread answers. */
export class Service<C extends ReadCall> {
  readonly app: FastifyInstance
  readonly metrics: Metrics
  readonly #settings: ServerSettings
  readonly #keys: KeyRing
  readonly #wrongKeys = new WrongKeys(() => this.app.log)
  readonly #failures = new FailureLog(() => this.app.log)
  readonly #mainThread: MainThread | null
  readonly #peers: Peers | null
  readonly #callers: KnownCallers
  readonly #guard: HostGuard
  readonly #places: Places
  readonly #unmatched: RouteMetrics
  readonly #memory: MemoryGate | null
  readonly #tickets = new OpenTickets()
  readonly #sockets: OpenSockets
  readonly #stalled: StalledReaders
  readonly #looking: NodeJS.Timeout
  readonly #streams: Streams
  readonly #observation: Observation
  #closing: Promise<void> | null = null
  /** New requests are refused, because the service stops. */
  #isRefusing = false
  readonly #trusted = new WeakMap<IncomingMessage, Trust>()

  constructor(parts: ServiceParts<C>) {
    const { settings, memory, budgets, others, routes, callOf, mainThread } = parts
    this.#settings = settings
    this.#memory = memory
    this.#keys = new KeyRing(settings)
    this.#mainThread = mainThread ?? null
    this.#peers = parts.peers ?? null
    this.#guard = new HostGuard(settings, () => !this.#keys.isEmpty)
    this.#places = new Places(settings, budgets, () => this.#mostBodyBytes)
    const known = { keys: this.#keys, places: this.#places, timeoutMs: settings.timeoutMs }
    this.#callers = new KnownCallers({ ...parts, ...known, wrongKeys: mainThread ? null : this.#wrongKeys })
    this.metrics = new Metrics({ own: () => this.state(), others, memory, budgets: this.#places.budgets })
    this.#unmatched = this.metrics.route('OTHER', 'unmatched')
    this.app = createApp(settings, {
      idOf: (request) => this.#trusted.get(request)?.id ?? requestIdOf(request.headers),
      tellUnseen: (request, reply) => {
        this.#tell(request, reply)
        // Its head may be one that two readers take differently. Another thread has checked a trusted one.
        if (!this.#trusted.has(request.raw) && !this.lets(request.raw)) reply.header('connection', 'close')
      },
    })
    this.#sockets = new OpenSockets(this.app.server)
    this.#stalled = new StalledReaders(this.#sockets, settings.stalledReaderMs)
    this.#looking = setInterval(() => this.#look(), settings.bodyWindowMs / LOOKS).unref()
    const { tracing = null, audit = null } = parts
    this.#observation = new Observation({ settings, log: () => this.app.log, tracing, audit })
    registerBodies(this.app, {
      arriving: this.#openBodies(),
      find: (request) => findCollection(request, callOf),
      roomFor: (bytes, ticket) => this.#roomFor(bytes, ticket),
    })
    registerFailures(this.app, settings.maxBodyBytes, this.#failures)
    registerRoutes(this.app, routes(this), {
      metrics: this.metrics,
      callOf,
      entrance: (request, reply, config, done) => this.#enter(request, reply, config, done),
      mainThread: this.#mainThread,
    })
    this.#streams = this.#openStreams(parts)
  }

  /** Looks at bodies, answers and streams on their way, and ends those that hardly move. */
  #look(): void {
    this.#tickets.look()
    this.#streams.look()
  }

  #openBodies(): ArrivingBodies {
    const room: ArrivalParts['room'] = this.#memory ? (bytes, stop, holder) => this.#room(bytes, stop, holder) : null
    return new ArrivingBodies({ ...this.#settings, places: this.#places, room })
  }

  #openStreams(given: Pick<ServiceParts<C>, 'streams' | 'audit'>): Streams {
    return new Streams(this.app.server, {
      ...given.streams,
      mainThread: this.#mainThread,
      metrics: this.metrics,
      places: this.#places,
      observation: this.#observation,
      rate: this.#settings,
      maxBodyBytes: this.#mostReadBytes,
      keepAliveTimeoutMs: this.#settings.keepAliveTimeoutMs,
      room: (bytes, stop, holder) =>
        bytes >= LARGE_BODY_BYTES && this.#memory ? this.#room(bytes, stop, holder) : null,
      admits: (request) => this.#admitStream(request),
      keeps: ({ headers }) => this.#callers.isKnown(headers),
      onFailure: (known, { request: { url, socket }, id: reqId, ...failed }) => {
        const facts = { reqId, method: 'GET', path: pathOf(url as string), code: known.code }
        this.#failures.note(facts, { known, cause: known.cause ?? known, peer: socket.remoteAddress })
        given.audit?.noteStream(known, { reqId, ...failed, address: socket.remoteAddress ?? '' })
      },
    })
  }

  /** The checks of a request that opens a stream. */
  #admitStream(request: IncomingMessage): MaybePromise<Admitted> {
    const { headers, socket } = request
    this.#guard.check(request)
    return andThen(this.#callers.holder(headers, socket.remoteAddress), (who) => {
      if (this.#isRefusing) throw stopping()
      checkAnswersStreams(this.#peers)
      return { ...who, caller: callerOf(who, this.#keys.hasSeveral, socket.remoteAddress) }
    })
  }

  /** Ends streams that were opened with a key that no longer exists. */
  replaceKeys(keys: Keys): void {
    this.#keys.replace(keys)
    this.#streams.recheck()
    this.#tickets.recheck()
  }

  readonly mayRead = (request: FastifyRequest): Promise<boolean> => this.#callers.mayReadAll(request)

  readonly isClosing = (): boolean => this.#closing !== null

  state(): ServiceState {
    const figures = workFigures(this.#observation.slowQueries)
    return { routes: this.metrics.counts(), inWork: this.#places.inWork, threads: 1, figures }
  }

  /** Whether the request passes the checks of Host and Origin. */
  lets(request: IncomingMessage): boolean {
    try {
      this.#guard.check(request)
      return true
    } catch {
      return false
    }
  }

  /** Another thread has already checked Host and Origin of this request. */
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

  /** Listens for a server that is handed its connections. */
  async listenOn(socketPath: string): Promise<void> {
    await this.app.listen({ path: socketPath })
  }

  close(deadlineMs: number = this.#settings.closeDeadlineMs): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    this.app.log.info({ inWork: this.#places.inWork, deadlineMs }, 'stopping')
    const cut = setTimeout(() => {
      this.app.log.warn({ inWork: this.#places.inWork }, 'deadline passed: cutting off requests in work')
      this.#tickets.stopAll()
      this.#sockets.endAll()
    }, deadlineMs)
    this.#tickets.endConnections()
    this.#peers?.endPushes()
    const lingering = this.#linger()
    await Promise.all([this.app.close(), this.#sockets.none()])
    this.#streams.endAll()
    this.#stalled.end()
    clearInterval(this.#looking)
    clearInterval(lingering)
    clearTimeout(cut)
    this.#wrongKeys.end()
    this.#failures.end()
    this.#observation.close()
    this.app.log.info('stopped')
  }

  /**
   * Keeps idle connections for `closeLingerMs`. Without this, closing the server would first close its idle
   * connections.
   */
  #linger(): NodeJS.Timeout {
    const { server } = this.app
    const closeIdle = server.closeIdleConnections.bind(server)
    server.closeIdleConnections = () => {}
    const overMs = performance.now() + this.#settings.closeLingerMs
    return setInterval(() => {
      if (performance.now() < overMs) return
      this.#isRefusing = true
      this.#streams.endAll()
      // Node counts a connection as idle while its answer is still in memory, and would cut it off.
      if (!this.#sockets.areWriting()) closeIdle()
      this.#sockets.endUnused()
    }, IDLE_EVERY_MS)
  }

  #enter(...[request, reply, config, done]: Parameters<Entrance>): void {
    const refusal = this.#refusal(request, reply, config)
    if (refusal instanceof Promise) void refusal.then((error) => this.#entered(error, request, reply, config, done))
    else this.#entered(refusal, request, reply, config, done)
  }

  #entered(refusal: Error | undefined, ...[request, reply, config, done]: Parameters<Entrance>): void {
    if (this.#mainThread && (refusal as VicinalError | undefined)?.code === 'UNAUTHENTICATED') {
      this.#mainThread.refuse(request, reply)
    } else if (!refusal && isPreflight(request.raw, this.#guard)) answerPreflight(reply)
    else if (refusal || !answeredByOtherNode(this.#peers, config, [request, reply], done)) done(refusal)
  }

  /**
   * The checks that every request passes before its body is read. Returns the reason for a refusal; a promise of it
   * where a token has to be verified.
   */
  #refusal(
    request: FastifyRequest,
    reply: FastifyReply,
    config: RouteConfig | undefined,
  ): MaybePromise<Error | undefined> {
    const ticket = new Ticket(reply.raw, config?.metrics ?? this.#unmatched, this.#places)
    request.ticket = ticket
    this.#tickets.add(ticket)
    reply.raw.once('close', () => {
      this.#tickets.delete(ticket)
      const { status, elapsedMs } = ticket.end()
      this.#observation.end(request, ticket, status, elapsedMs)
    })
    this.#tell(request, reply)
    const refused = (error: Error) => {
      if (error instanceof RefusedToken) ticket.subject = error.subject
      return this.#callers.counted(error, ticket.peer ?? request.raw.socket.remoteAddress)
    }
    try {
      const trust = this.#trusted.get(request.raw)
      if (trust) ticket.trust(trust)
      else this.#guard.check(request.raw)
      const known = this.#callers.of(
        request.raw,
        ticket,
        isPreflight(request.raw, this.#guard) ? OPEN : config?.declared,
      )
      if (!(known instanceof Promise)) {
        this.#admit(known, request, reply, config)
        return undefined
      }
      return known.then((who) => this.#admit(who, request, reply, config)).then(() => undefined, refused)
    } catch (error) {
      return refused(error as Error)
    }
  }

  #admit(who: Identity, request: FastifyRequest, reply: FastifyReply, config: RouteConfig | undefined): void {
    const { ticket, headers } = request
    const { access, scope, work, forwards } = config?.declared ?? UNMATCHED
    const isOfNode = access === 'cluster'
    const { name = '' } = (request.params ?? {}) as { name?: string }
    ticket.subject = isOfNode ? actorOf(headers) : who.subject
    // Only now: a stranger must not choose which requests are traced.
    this.#observation.begin(request, reply, config, who === ANYONE && !this.#keys.isEmpty)
    // A client that hung up meanwhile has given back its places and memory, and must not take a place.
    if (ticket.stop.isStopped) throw new VicinalError('CANCELLED', 'the client hung up')
    if (this.#settings.isReadOnly && access === 'write') throw new VicinalError('READ_ONLY', ONLY_READS)
    ticket.rights = this.#settings.isReadOnly ? Rights.READ : who.rights
    ticket.expiresMs = who.expiresMs
    if (config?.declared?.isStream && !isOfNode) ticket.keeps = () => this.#callers.isKnown(headers)
    if (access !== 'open') who.rights.check(forwards ?? access, scope, name)
    const peer = ticket.peer ?? request.raw.socket.remoteAddress
    ticket.caller = isOfNode ? subjectOf(headers) : callerOf(who, this.#keys.hasSeveral, peer)
    // A forwarded read has the bounds of a key that may only read.
    ticket.isReadOnly = isOfNode ? work === 'read' : !who.rights.mayWrite(name)
    ticket.mostBytes = work === 'write' ? this.#settings.maxBodyBytes : this.#mostReadBytes
    // A forwarding thread itself informs its clients that the service stops. The connection between the threads stays
    // open.
    if (ticket.peer !== undefined) reply.raw.removeHeader('connection')
    else if (this.#isRefusing && work !== 'light') throw stopping()
    checkContentEncoding(headers['content-encoding'])
    ticket.admit(work)
    if (work === 'read') turnBudget.noteArrival()
    // Only now does a client with `Expect: 100-continue` learn that it may send its body.
    if (headers.expect !== undefined) reply.raw.writeContinue()
  }

  /** Sets the headers that every answer has. */
  #tell(request: FastifyRequest, reply: FastifyReply): void {
    // Payloads are callers' text: a browser must not take them for another type than the header says.
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

  /** Reserves room for a body's parsed values. They count as body bytes and must fit below the memory limit. */
  #roomFor(valueBytes: number, ticket: Ticket): MaybePromise<void> {
    if (valueBytes <= FEW_VALUE_BYTES) return
    return andThen(ticket.body?.takeValues(valueBytes), () => {
      if (!this.#memory) return
      return andThen(this.#memory.reserve(valueBytes, ticket.stop, ticket), (release) => ticket.hold(release))
    })
  }

  /** Reserves room for body bytes below the memory limit. Parsed values reserve their own room. */
  #room(bytes: number, stop: Stop, holder?: RoomHolder): MaybePromise<() => void> {
    return (this.#memory as MemoryGate).reserve(Math.min(bytes, this.#mostBodyBytes), stop, holder)
  }
}

function stopping(): VicinalError {
  return new VicinalError('UNAVAILABLE', 'Service is stopping', { retryAfterMs: CLOSED_RETRY_AFTER_MS })
}
