/**
 * A serving thread without the database. It takes connections that are handed to it, answers requests that only read,
 * and forwards all others.
 *
 *     connection → does it read a collection known here? yes → as in app.ts
 *                                                        no  → forwarded to the main thread
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { ReadableDatabase } from '../core/database.js'
import type { Tracing } from '../core/tracing.js'
import { LARGE_BODY_BYTES } from '../server/arriving-body.js'
import { AuditLog, type Lines } from '../server/audit-log.js'
import type { Keys } from '../server/auth.js'
import { beforeListeners } from '../server/before-listeners.js'
import { ReadCall } from '../server/call.js'
import { DatabaseGate } from '../server/database-gate.js'
import { declaredBytes } from '../server/declared-bytes.js'
import type { ServiceState } from '../server/metrics.js'
import type { BudgetRow } from '../server/places.js'
import { collectionRead } from '../server/routes/collection-read.js'
import { readRoutes } from '../server/routes/table.js'
import { DEFAULT_SETTINGS, type ServerSettings } from '../server/server-settings.js'
import { Service } from '../server/service.js'
import { inOrder } from '../server/unanswered-requests.js'
import { Forwarder } from './forwarder.js'

export interface ReadServerOptions extends Partial<ServerSettings> {
  database: ReadableDatabase & { has(name: string): boolean }
  /** Whether there is a memory limit, which only the main thread keeps. Bodies that must reserve room are forwarded. */
  isLimited: boolean
  /** Shared with the other threads. */
  budgets: BudgetRow
  /** Path of the socket on which the main thread takes requests. */
  forwardTo: string
  /**
   * Path of a socket that no client knows. Connections are handed over instead, but only a listening server closes in
   * order.
   */
  listenOn: string
  onConnectionClosed(): void
  tracing: Tracing | null
  audit: Lines | null
}

export interface ReadServer {
  listen(): Promise<void>
  /** Takes over a connection by its file descriptor. */
  take(descriptor: number): void
  state(): ServiceState
  replaceKeys(keys: Keys): void
  close(deadlineMs: number): Promise<void>
}

export function createReadServer(options: ReadServerOptions): ReadServer {
  const { database, isLimited, budgets, forwardTo, listenOn, onConnectionClosed, tracing, audit, ...given } = options
  const settings = { ...DEFAULT_SETTINGS, ...given }
  const gate = new DatabaseGate<ReadableDatabase>(database, () => {})
  const forwarder: Forwarder = new Forwarder(forwardTo, () => service.isClosing())
  const mustAnswer = (bytes: number) => isLimited && bytes >= LARGE_BODY_BYTES
  const service = new Service<ReadCall>({
    settings,
    memory: null,
    tracing,
    audit: audit && new AuditLog(audit),
    budgets,
    others: async () => [],
    routes: () => postRoutes,
    callOf: (request) => new ReadCall(request, gate, settings.timeoutMs),
    mainThread: {
      answer(request, reply) {
        const { ticket, bytes: body, id } = request
        ticket.isAnsweredByMainThread = true
        reply.hijack()
        forwarder.passRead(request.raw, reply.raw, { body, id, traceparent: ticket.traceparent })
      },
      refuse(request, reply) {
        request.ticket.isAnsweredByMainThread = true
        reply.hijack()
        forwarder.pass(request.raw, reply.raw, request.id)
      },
      mustAnswer,
      ask: (opening, message, stop) => forwarder.ask(opening, message, stop),
    },
    streams: { routes: postRoutes, callOf: (asked) => new ReadCall(asked, gate, settings.timeoutMs) },
  })
  beforeListeners(service.app.server, 'request', (request: IncomingMessage, response: ServerResponse) => {
    // A request that this thread's checks refuse is also answered by this thread.
    if (!service.lets(request)) return false
    const name = collectionRead(request)
    if (name !== null && database.has(name) && !mustAnswer(declaredBytes(request))) return false
    forwarder.pass(request, response)
    return true
  })
  inOrder(service.app.server)
  return {
    listen: () => service.listenOn(listenOn),
    take(descriptor) {
      const connection = new Socket({ fd: descriptor, readable: true, writable: true, allowHalfOpen: true })
      connection.once('close', onConnectionClosed)
      service.app.server.emit('connection', connection)
    },
    state: () => service.state(),
    replaceKeys: (keys) => service.replaceKeys(keys),
    async close(deadlineMs) {
      await service.close(deadlineMs)
      forwarder.close()
    },
  }
}

/** Only POST routes are answered here: forwarding a request for a single point is as fast as recognising it. */
const postRoutes = readRoutes.filter(({ method }) => method === 'POST')
