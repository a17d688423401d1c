/** The seam between the service and the makers of traces (src/tracing). Times are those of `performance.now()`. */
import type { CallNotes, Facts } from './call-notes.js'
import type { WorkDone } from './work-times.js'

/** A position in a trace, as W3C's Trace Context spells it. */
export interface TraceParent {
  traceId: string
  spanId: string
  /** The lowest bit: the caller keeps the trace. */
  flags: number
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/
const LONGEST_TRACEPARENT = 512

/** Null for a header that is missing or not of the form; then it counts as missing, as the standard says. */
export function parseTraceparent(header: unknown): TraceParent | null {
  if (typeof header !== 'string' || header.length > LONGEST_TRACEPARENT) return null
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header) ?? []
  if (traceId === undefined || spanId === undefined) return null
  return { traceId, spanId, flags: Number.parseInt(flags as string, 16) }
}

export interface NotedSpan {
  name: string
  startMs: number
  endMs: number
  facts: Facts | undefined
}

/** Everything that was noted of a request, once it is answered. */
export interface RequestNoted {
  endMs: number
  status: number
  facts: Facts
  spans: readonly NotedSpan[]
  /** Plans of queries (QueryPlan) with their notes. */
  plans: readonly { collection: string; plan: object }[]
}

/** The trace of one request, or this process's part of it. */
export interface Trace {
  readonly traceId: string
  /** The request's place in its trace, for other threads and nodes. */
  readonly traceparent: string
  end(noted: RequestNoted): void
}

export interface Tracing {
  /** Null where the request is not sampled. */
  begin(name: () => string, startMs: number, parent: TraceParent | null, tracestate?: string): Trace | null
  /** Of background work, which belongs to no request. */
  done(work: WorkDone): void
  /** Resolves once the spans made so far were sent, or given up. */
  close(): Promise<void>
}

/** Makes spans of the library's calls. */
export interface CallTracing {
  /** Does the work of one call of a collection. The notes are null where the call is not sampled. */
  run<T>(verb: string, collection: string, work: (notes: CallNotes | null) => Promise<T>): Promise<T>
}

/** Spans of one request that are kept; a stream of points has many batches. */
const MOST_SPANS = 1_000
const MOST_PLANS = 100

/** The notes of one request. */
export class RequestNotes implements CallNotes {
  readonly spans: NotedSpan[] = []
  readonly plans: { collection: string; plan: object }[] = []
  readonly isTraced: boolean
  readonly reportsFromUs: number

  constructor(isTraced: boolean, reportsFromUs: number) {
    this.isTraced = isTraced
    this.reportsFromUs = reportsFromUs
  }

  span(name: string, startMs: number, endMs: number, facts?: Facts): void {
    if (this.isTraced && this.spans.length < MOST_SPANS) this.spans.push({ name, startMs, endMs, facts })
  }

  query(collection: string, plan: object): void {
    if (this.plans.length < MOST_PLANS) this.plans.push({ collection, plan })
  }
}
