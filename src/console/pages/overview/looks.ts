/** Looks at the metrics: the last one whole, and of all the few numbers that are drawn. */
import { type Lately, lately, type Metrics } from '../../service/metrics-text.js'

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

const NONE: Lately = { requests: 0, p50: null, p99: null }
const isRead = (endpoint: string) => /\/(query|search|recommend|discover|scroll|count|facet)\b/.test(endpoint)
const isWrite = (endpoint: string) => /\/(points|ingest|delete|payload|vectors|batch)$/.test(endpoint)

export function withLook(before: Looks | null, metrics: Metrics, atSeconds: number): Looks {
  const drawn = [...(before?.drawn ?? []), numbersOf(before, metrics, atSeconds)].slice(-MOST_DRAWN)
  return { drawn, metrics }
}

function numbersOf(before: Looks | null, metrics: Metrics, atSeconds: number): Drawn {
  const last = before?.drawn.at(-1)
  if (!before || !last) return { atSeconds, perSecond: null, reads: NONE, writes: NONE }
  const of = (is: (endpoint: string) => boolean) => lately(before.metrics, metrics, is)
  const { requests } = of((endpoint) => endpoint !== '/metrics')
  return {
    atSeconds,
    perSecond: Math.max(0, requests) / (atSeconds - last.atSeconds),
    reads: of(isRead),
    writes: of((endpoint) => isWrite(endpoint) && !isRead(endpoint)),
  }
}
