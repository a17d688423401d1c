/** Tells of each request beside its answer: by its trace, the log of slow queries, the audit log, and debug lines. */
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { notesOf } from '../core/call-notes.js'
import type { QueryPlan } from '../core/query-plan.js'
import { parseTraceparent, RequestNotes, type Tracing } from '../core/tracing.js'
import { respelled, snakeCase } from '../core/vocabulary/spelling.js'
import type { AuditLog } from './audit-log.js'
import { MinuteCounts } from './minute-counts.js'
import { INTERNAL, isOfPoints } from './peers.js'
import { endpointOf, type RouteConfig } from './router.js'
import type { ServerSettings } from './server-settings.js'
import type { Ticket } from './ticket.js'

export const TRACEPARENT_HEADER = 'traceparent'
export const TRACESTATE_HEADER = 'tracestate'
/** W3C Trace Context, level 2: the trace in which the answer was made. */
export const TRACERESPONSE_HEADER = 'traceresponse'
const LOGGED_PATH_CHARS = 512
/** Lines about slow queries within a minute; further ones are counted. */
const MOST_SLOW_LINES = 60
const US_PER_MS = 1000
const PLACES = 3

export interface ObservationParts {
  settings: Pick<ServerSettings, 'logLevel' | 'slowQueryMs'>
  log: () => FastifyBaseLogger
  tracing: Tracing | null
  audit: AuditLog | null
}

/** A request or a message, as lines and traces name it. */
interface Told {
  id: string
  method: string
  endpoint: string
  /** As the audit log names it. */
  action: string
  collection: string | undefined
}

type Noted = Pick<Ticket, 'trace' | 'notes' | 'startedMs'>

export interface ToldMessage extends Told {
  /** The header of the request that opened the stream. */
  traceparent: string | undefined
}

export interface NotedMessage extends Noted {
  notes: RequestNotes
}

export class Observation {
  readonly #parts: ObservationParts
  /** Known beforehand, so that no line is built only to be dropped. */
  readonly #logsRequests: boolean
  readonly #slowMs: number | null
  readonly #slow: MinuteCounts
  slowQueries = 0

  constructor(parts: ObservationParts) {
    const { logLevel, slowQueryMs } = parts.settings
    this.#parts = parts
    this.#logsRequests = logLevel === 'debug' || logLevel === 'trace'
    this.#slowMs = slowQueryMs
    this.#slow = new MinuteCounts({
      mostNames: 1,
      onOver: (_, count) => {
        if (count > MOST_SLOW_LINES)
          parts.log().warn({ count: count - MOST_SLOW_LINES }, 'more slow queries in a minute')
      },
    })
  }

  /** Of a caller without a key, where there are keys, the service samples as if it had sent no trace. */
  begin(request: FastifyRequest, reply: FastifyReply, config: RouteConfig | undefined, isStranger: boolean): void {
    const { ticket } = request
    const { headers } = request.raw
    const header = headers[TRACEPARENT_HEADER]
    const parent = header === undefined ? null : parseTraceparent(header)
    if (parent) ticket.traceparent = header as string
    const { tracing } = this.#parts
    if (tracing)
      ticket.trace = tracing.begin(() => nameOf(request, config), ticket.startedMs, isStranger ? null : parent)
    if (ticket.trace) ticket.traceparent = ticket.trace.traceparent
    if (ticket.traceparent !== undefined) reply.header(TRACERESPONSE_HEADER, ticket.traceparent)
    if (ticket.trace) ticket.notes = new RequestNotes(true, 0)
    else if (this.#slowMs !== null && config?.declared.work === 'read')
      ticket.notes = new RequestNotes(false, this.#slowMs * US_PER_MS)
  }

  end(request: FastifyRequest, ticket: Ticket, status: number, elapsedMs: number): void {
    if (this.#logsRequests) this.#logRequest(request, status, elapsedMs)
    if (ticket.isAnsweredByMainThread) {
      this.#endTrace(toldOf(request), ticket, status, elapsedMs)
      return
    }
    if (ticket.notes) {
      const told = toldOf(request)
      const isSlow = this.#slowMs !== null && ticket.ranMs >= this.#slowMs
      if (isSlow && isOfPoints(request.routeOptions.url?.replace(INTERNAL, '')))
        this.#tellSlow(told, ticket, ticket.ranMs, status)
      this.#endTrace(told, ticket, status, elapsedMs)
    }
    this.#parts.audit?.note(request, ticket, status, actionOf(request))
  }

  close(): void {
    this.#slow.end()
  }

  /** Null where nobody wants notes of the message. */
  beginMessage({ method, endpoint, traceparent }: ToldMessage, startedMs: number): NotedMessage | null {
    const { tracing } = this.#parts
    if (!tracing && this.#slowMs === null) return null
    const parent = traceparent === undefined ? null : parseTraceparent(traceparent)
    const trace = tracing?.begin(() => `${method} ${endpoint}`, startedMs, parent) ?? null
    if (trace) return { trace, startedMs, notes: new RequestNotes(true, 0) }
    return this.#slowMs === null ? null : { trace, startedMs, notes: new RequestNotes(false, this.#slowMs * US_PER_MS) }
  }

  endMessage(told: ToldMessage, noted: NotedMessage & { ranMs: number }, status: number): void {
    const { ranMs, startedMs } = noted
    if (this.#slowMs !== null && ranMs >= this.#slowMs) this.#tellSlow(told, noted, ranMs, status)
    this.#endTrace(told, noted, status, performance.now() - startedMs)
  }

  #endTrace(told: Told, { trace, notes, startedMs }: Noted, status: number, elapsedMs: number): void {
    if (!trace || !notes) return
    const { id, method, endpoint, collection } = told
    const facts = {
      'http.request.method': method,
      'http.route': endpoint,
      'vicinal.request_id': id,
      ...(collection === undefined ? {} : { 'vicinal.collection': collection }),
    }
    trace.end({ endMs: startedMs + elapsedMs, status, facts, spans: notes.spans, plans: notes.plans })
  }

  /** Reads of points. The plan has no vector, and of filters their shapes alone. */
  #tellSlow({ id, action, collection }: Told, { notes, trace }: Noted, ranMs: number, status: number): void {
    this.slowQueries++
    if (this.#slow.add('') > MOST_SLOW_LINES) return
    const facts = {
      reqId: id,
      ...(trace ? { traceId: trace.traceId } : {}),
      action,
      collection,
      status,
      elapsedMs: Number(ranMs.toFixed(PLACES)),
      plans: notes?.plans.map(({ plan }) => respelled(loggedPlan(plan as QueryPlan), snakeCase)) ?? [],
    }
    this.#parts.log().warn(facts, 'slow query')
  }

  /** Logs only the path: a query string or a body may carry secrets. */
  #logRequest(request: FastifyRequest, status: number, elapsedMs: number): void {
    const { ticket, id, method } = request
    const traced = ticket.trace ? { traceId: ticket.trace.traceId } : {}
    request.log.debug({ reqId: id, ...traced, method, path: pathOf(request.url), status, elapsedMs }, 'request')
  }
}

function toldOf(request: FastifyRequest): Told {
  const { id, method, routeOptions } = request
  const { name } = (request.params ?? {}) as { name?: string }
  return { id, method, endpoint: endpointOf(routeOptions.url ?? ''), action: actionOf(request), collection: name }
}

function nameOf({ method }: FastifyRequest, config: RouteConfig | undefined): string {
  return config ? `${method} ${config.metrics.counts.endpoint}` : method
}

/** Such as `POST /collections/{name}/points/query`; the same for a request that another node has passed on. */
function actionOf({ method, routeOptions: { url } }: FastifyRequest): string {
  if (url === undefined) return `${method} unmatched`
  return `${method} ${endpointOf(url.startsWith(INTERNAL) ? url.slice(INTERNAL.length) : url)}`
}

function loggedPlan(plan: QueryPlan): object {
  return { ...plan, filter: notesOf(plan)?.filter() ?? null, prefetch: plan.prefetch.map(loggedPlan) }
}

export function pathOf(url: string): string | undefined {
  return url.split('?', 1)[0]?.slice(0, LOGGED_PATH_CHARS)
}
