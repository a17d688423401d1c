/**
 * The service: a Database behind HTTP. The way of a request is
 *
 *     host and origin → key (on the matched route) → admission → body read and decoded → route → answer
 *
 * and nothing is read of a body before the first three have passed. No web streams: bodies are bounded buffers.
 */
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { noteArrival } from '../core/arrivals.js'
import type { Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import type { MemoryGate } from '../core/memory.js'
import { Admission } from './admission.js'
import { KeyRing } from './auth.js'
import { checkContentEncoding, registerBodies } from './bodies.js'
import { DatabaseGate } from './database-gate.js'
import { clientError, frameworkError, registerFailures } from './failures.js'
import { HostGuard, isLoopback } from './hosts.js'
import { Metrics, type RouteMetrics } from './metrics.js'
import { type Entrance, type RouteConfig, registerRoutes } from './router.js'
import { routeTable } from './routes/table.js'
import { DEFAULT_SETTINGS, type ServerSettings } from './settings.js'
import { OpenTickets, Ticket } from './ticket.js'
import { VERSION, VERSION_HEADER } from './versions.js'

/** Percent-encoded names are longer than names; the router must not cut them off. */
const MAX_PARAM_LENGTH = 4096
const CLOSED_RETRY_AFTER_MS = 1000
const LOGGED_PATH_CHARS = 512
const LARGE_BODY_BYTES = 64 * 1024
/** A body is in memory as it came, and decoded. One of unknown length counts for no more than this share of the limit. */
const BODY_COPIES = 2
const BODY_SHARE = 1 / 4

export interface ServerOptions extends Partial<ServerSettings> {
  /** The limit of this process's memory, where the database has one: request bodies are to fit below it too. */
  memory?: MemoryGate
  /** May still be opening: until then data routes answer 503. It is closed by whoever opened it. */
  database: Promise<Database> | Database
}

export interface Server {
  /** Starts to listen; resolves to the address, such as `http://127.0.0.1:6333`. */
  listen(): Promise<string>
  /** Stops accepting, finishes the requests in work, and cuts off those that outlast the deadline. */
  close(deadlineMs?: number): Promise<void>
}

export function createServer({ database, memory, ...given }: ServerOptions): Server {
  const service = new Service({ ...DEFAULT_SETTINGS, ...given }, database, memory ?? null)
  return { listen: () => service.listen(), close: (deadlineMs) => service.close(deadlineMs) }
}

class Service {
  readonly #settings: ServerSettings
  readonly #keys: KeyRing
  readonly #guard: HostGuard
  readonly #admission: Admission
  readonly #metrics: Metrics
  readonly #unmatched: RouteMetrics
  readonly #memory: MemoryGate | null
  readonly #tickets = new OpenTickets()
  readonly #app: FastifyInstance
  /** Known beforehand, so that no line is put together only to be dropped. */
  readonly #logsRequests: boolean
  #closing: Promise<void> | null = null

  constructor(settings: ServerSettings, database: Promise<Database> | Database, memory: MemoryGate | null) {
    this.#settings = settings
    this.#memory = memory
    this.#keys = new KeyRing(settings)
    this.#guard = new HostGuard(settings)
    this.#admission = new Admission(settings)
    this.#metrics = new Metrics(() => this.#admission.inWork, memory)
    this.#unmatched = this.#metrics.route('OTHER', 'unmatched')
    this.#app = createApp(settings)
    this.#logsRequests = settings.logLevel === 'debug' || settings.logLevel === 'trace'
    const gate = new DatabaseGate(database, (error) => this.#app.log.error({ err: error }, 'opening the data failed'))
    registerBodies(this.#app)
    registerFailures(this.#app, settings.maxBodyBytes)
    const routes = routeTable({ gate, metrics: this.#metrics, isClosing: () => this.#closing !== null })
    registerRoutes(this.#app, routes, {
      gate,
      metrics: this.#metrics,
      timeoutMs: settings.timeoutMs,
      entrance: (request, reply, config, done) => this.#enter(request, reply, config, done),
    })
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
      this.#app.log.warn({ host }, 'keys travel in clear text: no TLS certificate is set')
    }
    await this.#app.listen({ host, port })
    const { address, port: taken, family } = this.#app.server.address() as AddressInfo
    const scheme = this.#settings.tls ? 'https' : 'http'
    return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
  }

  close(deadlineMs: number = this.#settings.closeDeadlineMs): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#app.log.info({ inWork: this.#admission.inWork, deadlineMs }, 'stopping')
    const cut = setTimeout(() => {
      this.#app.log.warn({ inWork: this.#admission.inWork }, 'deadline passed: cutting off requests in work')
      this.#tickets.stopAll()
      this.#app.server.closeAllConnections()
    }, deadlineMs)
    await this.#app.close()
    clearTimeout(cut)
    this.#app.log.info('stopped')
  }

  #enter(...[request, reply, config, done]: Parameters<Entrance>): void {
    const refusal = this.#refusal(request, reply, config)
    // An upload is on its way to a file, piece by piece.
    const isStreamed = config?.declared.isUpload === true
    if (refusal || isStreamed || !needsRoom(request.ticket.bodyBytes, this.#memory)) done(refusal)
    else void this.#makeRoom(request).then(() => done(), done)
  }

  /** The gate every request passes before its body is read. Returns why it may not pass. */
  #refusal(request: FastifyRequest, reply: FastifyReply, config: RouteConfig | undefined): Error | undefined {
    const ticket = new Ticket(reply.raw, config?.metrics ?? this.#unmatched)
    request.ticket = ticket
    this.#tickets.add(ticket)
    reply.raw.once('close', () => {
      this.#tickets.delete(ticket)
      const { status, elapsedMs } = ticket.end(this.#admission)
      if (this.#logsRequests) logRequest(request, status, elapsedMs)
    })
    // Stored payloads are strangers' text: no browser is to take them for anything but what the type says.
    reply.header(VERSION_HEADER, VERSION).header('x-content-type-options', 'nosniff')
    try {
      this.#guard.check(request.raw)
      // Where no route matched there is nothing to see without a key either.
      this.#keys.check(request.headers, config?.declared.access ?? 'read')
      const work = config?.declared.work ?? 'light'
      if (this.#closing && work !== 'light') throw stopping()
      checkContentEncoding(request.headers['content-encoding'])
      ticket.admit(work, this.#admission.enter(work, request.headers))
      if (work === 'read') noteArrival()
      // Only now is a client that asks first told to send its body.
      if (request.headers.expect !== undefined) reply.raw.writeContinue()
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  /** The body as it comes and what is decoded from it are to fit below the limit of memory, or wait unread. */
  async #makeRoom({ ticket }: FastifyRequest): Promise<void> {
    const memory = this.#memory as MemoryGate
    const most = (memory.limitBytes ?? Number.POSITIVE_INFINITY) * BODY_SHARE
    ticket.hold(await memory.reserve(Math.min(ticket.bodyBytes * BODY_COPIES, most), ticket.stop.signal))
  }
}

/** Small bodies are read whatever memory there is. */
function needsRoom(bodyBytes: number, memory: MemoryGate | null): boolean {
  return bodyBytes >= LARGE_BODY_BYTES && memory !== null && memory.limitBytes !== null
}

function stopping(): VicinalError {
  return new VicinalError('UNAVAILABLE', 'Service is stopping', { retryAfterMs: CLOSED_RETRY_AFTER_MS })
}

/** The path only: a query string may carry secrets, a body always may. */
function logRequest(request: FastifyRequest, status: number, elapsedMs: number): void {
  const path = request.url.split('?', 1)[0]?.slice(0, LOGGED_PATH_CHARS)
  request.log.debug({ reqId: request.id, method: request.method, path, status, elapsedMs }, 'request')
}

function createApp(settings: ServerSettings): FastifyInstance {
  const app = Fastify({
    ...(settings.tls ? { https: settings.tls } : {}),
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    http: { headersTimeout: settings.headersTimeoutMs, connectionsCheckingInterval: 1000 },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    return503OnClosing: false,
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: frameworkError,
    clientErrorHandler: clientError,
    // One logger for all: a child for each request would cost more than the request's own log lines.
    childLoggerFactory: (logger) => logger,
    logger: {
      level: settings.logLevel,
      stream: settings.logStream,
      base: null,
      formatters: { level: (label: string) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
  }) as unknown as FastifyInstance
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response))
  app.decorateRequest('ticket')
  app.server.maxConnections = settings.maxConnections
  app.server.headersTimeout = settings.headersTimeoutMs
  return app
}
