/**
 * The service: a Database behind HTTP. The way of a request is
 *
 *     host and origin → key (on the matched route) → admission → body read and decoded → route → answer
 *
 * and nothing is read of a body before the first three have passed. No web streams: bodies are bounded buffers.
 *
 * Threads beside the one that has the database may read it too (read-server.ts): this one then hands connections out to
 * them, and answers what they forward.
 */
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../core/database.js'
import type { MemoryGate } from '../core/memory.js'
import type { Keys } from './auth.js'
import { Call, ReadCall } from './call.js'
import { DatabaseGate } from './database-gate.js'
import { ForwardedRequests } from './forwarded-requests.js'
import { interpose } from './interpose.js'
import type { ServiceState } from './metrics.js'
import { readRoutes, routeTable } from './routes/table.js'
import { Service } from './service.js'
import { DEFAULT_SETTINGS, type ServerSettings } from './settings.js'

export interface ServerOptions extends Partial<ServerSettings> {
  /** The limit of this process's memory, where the database has one: request bodies are to fit below it too. */
  memory?: MemoryGate
  /** May still be opening: until then data routes answer 503. It is closed by whoever opened it. */
  database: Promise<Database> | Database
  threads?: ThreadsBeside
}

/** Threads that read the database beside this one. */
export interface ThreadsBeside {
  /** Where requests come in that they forward: a path for a socket, which only this process can reach. */
  forwardedOn: string
  /** Counters of all threads; this thread's row is the first. */
  budgets: Int32Array
  /** Whether one of them has taken a connection, of which nothing was read. */
  take(connection: Socket): boolean
  states(): Promise<readonly ServiceState[]>
  replaceKeys(keys: Keys): void
  /** As the server's own: until then they forward. */
  close(deadlineMs: number): Promise<void>
}

export interface Server {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
  /** From now on these are the keys, of all threads. Streams that were opened with another are closed. */
  replaceKeys(keys: Keys): void
  /** Starts to listen; resolves to the address, such as `http://127.0.0.1:6333`. */
  listen(): Promise<string>
  /** Stops accepting, finishes the requests in work, and cuts off those that outlast the deadline. */
  close(deadlineMs?: number): Promise<void>
}

export function createServer({ database, memory, threads, ...given }: ServerOptions): Server {
  const settings = { ...DEFAULT_SETTINGS, ...given }
  const gate = new DatabaseGate(database, (error) => service.app.log.error({ err: error }, 'opening the data failed'))
  const service = new Service<Call>({
    settings,
    memory: memory ?? null,
    ...(threads ? { budgets: { cells: threads.budgets, row: 0 } } : {}),
    others: async () => (await threads?.states()) ?? [],
    routes: ({ metrics, isClosing, mayRead }) => routeTable({ gate, metrics, isClosing, mayRead }),
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
  const forwarded = new ForwardedRequests(service, settings)
  interpose(
    service.app.server,
    'connection',
    (connection: Socket) => !service.hasSeen(connection) && threads.take(connection),
  )
  return {
    ...common,
    async listen() {
      await forwarded.listen(threads.forwardedOn)
      return await service.listen()
    },
    async close(deadlineMs = settings.closeDeadlineMs) {
      const late = performance.now() + deadlineMs
      await Promise.all([service.close(deadlineMs), threads.close(deadlineMs)])
      await forwarded.close(Math.max(0, late - performance.now()))
    },
  }
}
