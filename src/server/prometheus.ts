/** The text format of Prometheus. */
import { BUCKETS_MS, type Histogram } from '../core/histogram.js'

const MS_PER_SECOND = 1000

export function gauge(name: string, help: string, value: number): string[] {
  return family(name, 'gauge', help, [`${name} ${value}`])
}

/** Nothing if there are no samples. */
export function family(name: string, type: string, help: string, samples: readonly string[]): string[] {
  return samples.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples]
}

/** The samples of one histogram of times, in seconds. */
export function histogram(name: string, labels: string, { buckets, sumMs, count }: Histogram): string[] {
  let below = 0
  const lines = Array.from(buckets, (more, i) => {
    below += more
    const bound = i < BUCKETS_MS.length ? String((BUCKETS_MS[i] as number) / MS_PER_SECOND) : '+Inf'
    return `${name}_bucket{${labels},le="${bound}"} ${below}`
  })
  lines.push(`${name}_sum{${labels}} ${sumMs / MS_PER_SECOND}`)
  lines.push(`${name}_count{${labels}} ${count}`)
  return lines
}

export function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
