/**
 * A thread of the service beside the one that has the database: it takes in connections that are handed to it, answers
 * what only reads, and forwards everything else.
 *
 *     connection → whether it reads a collection known here → as in app.ts
 *                                     └ no: to the thread that has the database, as it comes
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { ReadableDatabase } from '../core/database.js'
import { LIMITS } from '../core/limits.js'
import type { BudgetRow } from './admission.js'
import { LARGE_BODY_BYTES } from './arriving-body.js'
import type { Keys } from './auth.js'
import { ReadCall } from './call.js'
import { DatabaseGate } from './database-gate.js'
import { declaredBytes } from './declared-bytes.js'
import { Forwarder } from './forwarder.js'
import { interpose } from './interpose.js'
import type { ServiceState } from './metrics.js'
import { readRoutes } from './routes/table.js'
import { Service } from './service.js'
import { DEFAULT_SETTINGS, type ServerSettings } from './settings.js'

const COLLECTIONS = '/collections/'
const POINTS = '/points'

export interface ReadServerOptions extends Partial<ServerSettings> {
  database: ReadableDatabase & { has(name: string): boolean }
  /** Of a limit of memory the other thread alone knows: bodies that have to ask for room are that one's. */
  isLimited: boolean
  /** Shared with the other threads. */
  budgets: BudgetRow
  /** Where the other thread takes requests, see `ThreadsBeside`. */
  forwardTo: string
  /** A path for a socket that nobody is told of: connections are handed over, but a server that listens can be closed in order. */
  listenOn: string
  onConnectionClosed(): void
}

export interface ReadServer {
  listen(): Promise<void>
  /** Takes a connection, which is its own from now on. */
  take(descriptor: number): void
  state(): ServiceState
  replaceKeys(keys: Keys): void
  close(deadlineMs: number): Promise<void>
}

export function createReadServer(options: ReadServerOptions): ReadServer {
  const { database, isLimited, budgets, forwardTo, listenOn, onConnectionClosed, ...given } = options
  const settings = { ...DEFAULT_SETTINGS, ...given }
  const gate = new DatabaseGate<ReadableDatabase>(database, () => {})
  const forwarder: Forwarder = new Forwarder(forwardTo, () => service.isClosing())
  const service = new Service<ReadCall>({
    settings,
    memory: null,
    budgets,
    others: async () => [],
    routes: () => postRoutes,
    callOf: (request) => new ReadCall(request, gate, settings.timeoutMs),
    elsewhere(request, reply) {
      request.ticket.isElsewhere = true
      reply.hijack()
      forwarder.passRead(request.raw, reply.raw, { body: request.bytes, id: request.id })
    },
    refuseElsewhere(request, reply) {
      request.ticket.isElsewhere = true
      reply.hijack()
      forwarder.pass(request.raw, reply.raw, request.id)
    },
    streams: {
      routes: postRoutes,
      callOf: (asked) => new ReadCall(asked, gate, settings.timeoutMs),
      askOther: (opening, message, stop) => forwarder.ask(opening, message, stop),
      isForOther: (bytes) => isLimited && bytes >= LARGE_BODY_BYTES,
    },
  })
  interpose(service.app.server, 'request', (request: IncomingMessage, response: ServerResponse) => {
    // Whom the gates of this thread refuse, they answer.
    if (!service.lets(request)) return false
    const name = collectionRead(request)
    if (name !== null && database.has(name) && !(isLimited && declaredBytes(request) >= LARGE_BODY_BYTES)) return false
    forwarder.pass(request, response)
    return true
  })
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

/** A request for a single point is as quickly sent on as told from others. */
const postRoutes = readRoutes.filter(({ method }) => method === 'POST')
const readPaths = new Set(postRoutes.map(({ path }) => path.slice(path.indexOf(POINTS))))

/** The collection that a request reads, by its name as it is; null where it does anything else. */
function collectionRead({ method, url = '' }: IncomingMessage): string | null {
  if (method !== 'POST' || !url.startsWith(COLLECTIONS)) return null
  const end = url.indexOf('/', COLLECTIONS.length)
  if (end < 0) return null
  const query = url.indexOf('?', end)
  const name = url.slice(COLLECTIONS.length, end)
  if (name.length > LIMITS.nameLength || name.includes('%')) return null
  return readPaths.has(query < 0 ? url.slice(end) : url.slice(end, query)) ? name : null
}
