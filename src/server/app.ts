/**
 * The service: a Database behind HTTP. A request passes
 *
 *     host and origin → key (on the matched route) → places → body read and decoded → route → answer
 *
 * and no byte of a body is read before the first three have passed. No web streams: bodies are bounded buffers.
 *
 * Other serving threads may read the database too (read-server.ts). This thread, which has the database, then hands
 * connections to them and answers the requests that they forward.
 */
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../core/database.js'
import type { MemoryGate } from '../core/memory.js'
import type { Tracing } from '../core/tracing.js'
import { AuditLog, type Lines } from './audit-log.js'
import type { Keys } from './auth.js'
import { beforeListeners } from './before-listeners.js'
import { Call, ReadCall } from './call.js'
import { DatabaseGate } from './database-gate.js'
import type { ServiceState } from './metrics.js'
import type { Peers } from './peers.js'
import { readRoutes, routeTable } from './routes/table.js'
import { DEFAULT_SETTINGS, type ServerSettings } from './server-settings.js'
import { Service } from './service.js'
import { valueExists } from './value-exists.js'

export interface ServerOptions extends Partial<ServerSettings> {
  /** The process's memory limit, if the database has one. Request bodies must fit below it too. */
  memory?: MemoryGate
  /** May still be opening; until then data routes answer 503. The opener closes it. */
  database: Promise<Database> | Database
  /** The other nodes of the database's store. */
  peers?: Peers
  threads?: ThreadsBeside
  /** Makes traces of requests. The opener closes it. */
  tracing?: Tracing | null
  /** Takes the lines of the audit log. */
  audit?: Lines | null
}

/** The other serving threads, which read the database. */
export interface ThreadsBeside {
  /** Counters of all threads; this thread's row is the first. */
  budgets: Int32Array
  /** From now on, `service` answers the requests that the threads forward. */
  forwardTo(service: Service<Call>): Promise<void>
  /** Whether another thread has taken the connection. No byte of it may have been read. */
  take(connection: Socket): boolean
  states(): Promise<readonly ServiceState[]>
  replaceKeys(keys: Keys): void
  /** Closes like the server's own `close`. */
  close(deadlineMs: number): Promise<void>
}

export interface Server {
  readonly log: Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn' | 'error'>
  /** Replaces the keys of all threads. Streams opened with another key are closed. */
  replaceKeys(keys: Keys): void
  /** Starts to listen. Resolves to the address, such as `http://127.0.0.1:6333`. */
  listen(): Promise<string>
  /** Stops accepting, finishes the requests in work, and cuts off those that outlast the deadline. */
  close(deadlineMs?: number): Promise<void>
}

export function createServer(options: ServerOptions): Server {
  const { database, memory, peers, threads, tracing = null, audit = null, ...given } = options
  const settings = { ...DEFAULT_SETTINGS, ...given }
  const onFailure = (error: unknown) => service.app.log.error({ err: error }, 'opening the data failed')
  const gate = new DatabaseGate(database, onFailure, () => peers?.waitsFor ?? null)
  const service = new Service<Call>({
    settings,
    memory: memory ?? null,
    ...(threads ? { budgets: { cells: threads.budgets, row: 0 } } : {}),
    others: async () => (await threads?.states()) ?? [],
    ...(peers ? { peers } : {}),
    valueExists: (claim, call) => valueExists(gate.get(), claim, call),
    tracing,
    audit: audit && new AuditLog(audit),
    routes: ({ metrics, isClosing, mayRead }) =>
      routeTable({ gate, metrics, isClosing, mayRead, peers: peers ?? null }, settings.consolePictureHosts),
    callOf: (request) => new Call(request, gate, settings),
    streams: { routes: readRoutes, callOf: (asked) => new ReadCall(asked, gate, settings.timeoutMs) },
  })
  const common = {
    log: service.app.log,
    replaceKeys(keys: Keys) {
      service.replaceKeys(keys)
      threads?.replaceKeys(keys)
    },
  }
  if (!threads) return { ...common, listen: () => service.listen(), close: (deadlineMs) => service.close(deadlineMs) }
  beforeListeners(
    service.app.server,
    'connection',
    // A connection of which bytes were read comes back from a declined upgrade, and stays here.
    (connection: Socket) => connection.bytesRead === 0 && threads.take(connection),
  )
  return {
    ...common,
    async listen() {
      await threads.forwardTo(service)
      return await service.listen()
    },
    async close(deadlineMs = settings.closeDeadlineMs) {
      await Promise.all([service.close(deadlineMs), threads.close(deadlineMs)])
    },
  }
}
