/** Looks at the metrics: the last one whole, and of all the few numbers that are drawn. */
import { type IsOf, type Lately, lately, type Metrics } from '../../service/metrics-text.js'

/** Five minutes of looks, one every two seconds. */
const MOST_DRAWN = 150

/** The numbers of one look that are drawn. */
export interface Drawn {
  atSeconds: number
  /** Requests since the look before. */
  perSecond: number | null
  reads: Lately
  writes: Lately
}

export interface Looks {
  drawn: readonly Drawn[]
  /** Of the last look alone: the metrics of 1,000 collections are megabytes. */
  metrics: Metrics
}

/** Requests and reads of all time. */
export interface SinceStart {
  requests: number
  reads: Lately
}

const NONE: Lately = { requests: 0, p50: null, p99: null }
/** Looks within which reads are recent: a minute. */
const RECENT = 30

/** `POST …/points` asks for points by their ids, `PUT` writes them. */
const isRead: IsOf = (endpoint, method) =>
  /\/(query|search|recommend|discover|scroll|count|facet)\b/.test(endpoint) ||
  (method === 'POST' && endpoint.endsWith('/points')) ||
  (method === 'GET' && endpoint.endsWith('/points/{id}'))
const isWrite: IsOf = (endpoint, method) =>
  /\/(points|ingest|delete|payload|vectors|batch)$/.test(endpoint) && !isRead(endpoint, method)
const isCounted: IsOf = (endpoint) => endpoint !== '/metrics'

export function withLook(before: Looks | null, metrics: Metrics, atSeconds: number): Looks {
  const drawn = [...(before?.drawn ?? []), numbersOf(before, metrics, atSeconds)].slice(-MOST_DRAWN)
  return { drawn, metrics }
}

function numbersOf(before: Looks | null, metrics: Metrics, atSeconds: number): Drawn {
  const last = before?.drawn.at(-1)
  if (!before || !last) return { atSeconds, perSecond: null, reads: NONE, writes: NONE }
  const of = (is: IsOf) => lately(before.metrics, metrics, is)
  const { requests } = of(isCounted)
  return {
    atSeconds,
    perSecond: Math.max(0, requests) / (atSeconds - last.atSeconds),
    reads: of(isRead),
    writes: of(isWrite),
  }
}

export function sinceStart(metrics: Metrics): SinceStart {
  const none: Metrics = new Map()
  return { requests: lately(none, metrics, isCounted).requests, reads: lately(none, metrics, isRead) }
}

/** The reads of the newest look that has some, within a minute. */
export function recentReads(drawn: readonly Drawn[]): Lately | null {
  return drawn.slice(-RECENT).findLast(({ reads }) => reads.p50 !== null)?.reads ?? null
}
