/** Metrics of searches and of the work behind requests, of all serving threads together. */
import { diskBytes } from '../core/disk-bytes.js'
import { addHistogram, emptyHistogram, type Histogram } from '../core/histogram.js'
import { type CollectionSearches, OTHERS, searchTimes } from '../core/search-times.js'
import { TIMED_WORK, type WorkState, workTimes } from '../core/work-times.js'
import { lineCounts } from '../disk/line-file.js'
import { escapeLabel, family, histogram } from './prometheus.js'

/** One thread's account; plain, so that it can be posted. */
export interface WorkFigures {
  work: WorkState
  searches: ReadonlyMap<string, CollectionSearches>
  slowQueries: number
  /** Lines of the audit log. */
  lines: { written: number; lost: number }
}

export function workFigures(slowQueries: number): WorkFigures {
  return { work: workTimes.state, searches: searchTimes.counts, slowQueries, lines: lineCounts }
}

/** `isThere` tells the collections that still exist; null while nobody knows. */
export function workMetrics(
  figures: readonly WorkFigures[],
  isThere: ((name: string) => boolean) | null,
  told: (name: string) => string,
): string[] {
  const sum = (value: (one: WorkFigures) => number) => figures.reduce((all, one) => all + value(one), 0)
  const counter = (name: string, help: string, value: number) => family(name, 'counter', help, [`${name} ${value}`])
  const durations = TIMED_WORK.flatMap((kind) => {
    const all = sumOf(figures.map(({ work }) => work.times[kind]))
    return histogram('work_duration_seconds', `work="${kind}"`, all)
  })
  const failures = TIMED_WORK.map((kind) => `work_failed_total{work="${kind}"} ${sum(({ work }) => work.failed[kind])}`)
  return [
    ...family('work_duration_seconds', 'histogram', 'Time of waits, of fsync, and of background work', durations),
    ...family('work_failed_total', 'counter', 'Work that failed; background work is tried again', failures),
    ...counter(
      'slow_queries_total',
      'Reads of points that took as long as --slow-query-ms says',
      sum((one) => one.slowQueries),
    ),
    ...counter(
      'audit_lines_total',
      'Lines written to the audit log',
      sum(({ lines }) => lines.written),
    ),
    ...counter(
      'audit_lines_lost_total',
      'Lines that the audit log could not take',
      sum(({ lines }) => lines.lost),
    ),
    ...searchMetrics(figures, isThere, (name) => escapeLabel(name === OTHERS ? name : told(name))),
    ...diskMetrics((name) => escapeLabel(told(name))),
  ]
}

function searchMetrics(
  figures: readonly WorkFigures[],
  isThere: ((name: string) => boolean) | null,
  label: (name: string) => string,
): string[] {
  const all = new Map<string, CollectionSearches>()
  for (const { searches } of figures) {
    for (const [name, counts] of searches) {
      if (name === OTHERS || (isThere?.(name) ?? true)) all.set(name, together(all.get(name), counts))
    }
  }
  const each = [...all].map(([name, counts]) => ({ id: `id="${label(name)}"`, ...counts }))
  const cost = (name: string, help: string, of: (counts: CollectionSearches) => number) =>
    family(
      name,
      'counter',
      help,
      each.map((counts) => `${name}{${counts.id}} ${of(counts)}`),
    )
  const durations = each.flatMap(({ id, strategies }) =>
    [...strategies].flatMap(([strategy, times]) =>
      histogram('search_duration_seconds', `${id},strategy="${escapeLabel(strategy)}"`, times),
    ),
  )
  return [
    ...family('search_duration_seconds', 'histogram', 'Time of searches of the kernel, with their wait', durations),
    ...cost('search_distances_total', 'Distances that searches computed', ({ distances }) => distances),
    ...cost(
      'search_vector_read_bytes_total',
      'Bytes of vectors, codes and graphs that searches read',
      (of) => of.vectorBytes,
    ),
    ...cost('search_payload_read_bytes_total', 'Bytes of payloads that searches answered', (of) => of.payloadBytes),
  ]
}

function diskMetrics(label: (name: string) => string): string[] {
  const samples = [...diskBytes].flatMap(([name, parts]) =>
    Object.entries(parts).map(([part, bytes]) => `collection_disk_bytes{id="${label(name)}",part="${part}"} ${bytes}`),
  )
  return family('collection_disk_bytes', 'gauge', 'Bytes on disk of an open collection', samples)
}

function together(sum: CollectionSearches | undefined, more: CollectionSearches): CollectionSearches {
  const strategies = new Map<string, Histogram>()
  for (const one of [...(sum?.strategies ?? []), ...more.strategies]) {
    const [strategy, times] = one
    strategies.set(strategy, sumOf([strategies.get(strategy) ?? emptyHistogram(), times]))
  }
  return {
    strategies,
    distances: (sum?.distances ?? 0) + more.distances,
    vectorBytes: (sum?.vectorBytes ?? 0) + more.vectorBytes,
    payloadBytes: (sum?.payloadBytes ?? 0) + more.payloadBytes,
  }
}

function sumOf(histograms: readonly Histogram[]): Histogram {
  const sum = emptyHistogram()
  for (const one of histograms) addHistogram(sum, one)
  return sum
}
