/** Metrics as Prometheus takes them, and quantiles from the difference of two looks. */

export interface Sample {
  labels: Record<string, string>
  value: number
}
export type Metrics = Map<string, Sample[]>

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

export function metricsOf(text: string): Metrics {
  const found: Metrics = new Map()
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (!name) continue
    const sample = { labels: labelsOf(labels), value: Number(value) }
    const samples = found.get(name)
    if (samples) samples.push(sample)
    else found.set(name, [sample])
  }
  return found
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, key = '', value = '']) => [key, value.replace(/\\(.)/g, unescaped)]),
  )
}

function unescaped(_: string, char: string): string {
  return char === 'n' ? '\n' : char
}

export function numberOf(metrics: Metrics, name: string): number {
  return metrics.get(name)?.[0]?.value ?? 0
}

/** Values of a metric by its label `id`, as the metrics of collections have it. */
export function byCollection(metrics: Metrics, name: string): Map<string, number> {
  return new Map((metrics.get(name) ?? []).map(({ labels, value }) => [labels.id ?? '', value]))
}

/** Requests since an earlier look: their number and the quantiles of their durations, in seconds. */
export interface Lately {
  requests: number
  p50: number | null
  p99: number | null
}

const BUCKETS = 'rest_responses_duration_seconds_bucket'

export type IsOf = (endpoint: string, method: string) => boolean

/** Counts only the routes that `isOf` accepts. */
export function lately(before: Metrics, now: Metrics, isOf: IsOf): Lately {
  const counts = bucketsOf(now, isOf)
  for (const [le, count] of bucketsOf(before, isOf)) counts.set(le, (counts.get(le) ?? 0) - count)
  const buckets = [...counts].sort(([a], [b]) => a - b)
  const requests = buckets.at(-1)?.[1] ?? 0
  return { requests, p50: quantile(buckets, requests, 0.5), p99: quantile(buckets, requests, 0.99) }
}

function bucketsOf(metrics: Metrics, isOf: IsOf): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { labels, value } of metrics.get(BUCKETS) ?? []) {
    if (!isOf(labels.endpoint ?? '', labels.method ?? '')) continue
    const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)
    counts.set(le, (counts.get(le) ?? 0) + value)
  }
  return counts
}

/** As `histogram_quantile` of Prometheus: linear within a bucket. */
function quantile(buckets: readonly [number, number][], total: number, q: number): number | null {
  if (total <= 0) return null
  let below = 0
  let from = 0
  for (const [to, count] of buckets) {
    if (count >= q * total) {
      if (to === Number.POSITIVE_INFINITY) return from
      return from + ((to - from) * (q * total - below)) / Math.max(1, count - below)
    }
    below = count
    from = to
  }
  return from
}
