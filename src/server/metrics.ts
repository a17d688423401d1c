/** Counters and histograms of the service, and their Prometheus text. Observing allocates nothing. */
import type { Database } from '../core/database.js'
import { addHistogram, emptyHistogram, type Histogram, observe } from '../core/histogram.js'
import type { MemoryGate } from '../core/memory.js'
import type { CollectionCounts, CollectionInfo, MeasuredRecall, RecallMeans } from '../core/schema.js'
import type { Budget, Budgets } from './budgets.js'
import { collectionInfos, type LookedAt } from './collection-infos.js'
import { digestOf } from './digest.js'
import { escapeLabel, family, gauge, histogram } from './prometheus.js'
import { VERSION } from './versions.js'
import { type WorkFigures, workMetrics } from './work-metrics.js'

/** Counts of one route: the statuses of its answers, and their times. */
export interface RouteCounts extends Histogram {
  method: string
  endpoint: string
  statuses: Map<number, number>
}

/** The state that one serving thread reports. */
export interface ServiceState {
  routes: readonly RouteCounts[]
  inWork: number
  /** 1; 0 for a thread that has ended. */
  threads: number
  figures: WorkFigures
}

/** Measures the requests of one route. */
export class RouteMetrics {
  readonly counts: RouteCounts

  constructor(method: string, endpoint: string) {
    this.counts = { method, endpoint, statuses: new Map(), ...emptyHistogram() }
  }

  observe(status: number, elapsedMs: number): void {
    const { counts } = this
    observe(counts, elapsedMs)
    counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1)
  }
}

/** Adds up routes of the same name; a thread may lack some of them. */
function summed(states: readonly ServiceState[]): RouteCounts[] {
  const sums = new Map<string, RouteCounts>()
  for (const counts of states.flatMap(({ routes }) => routes)) {
    if (counts.count === 0) continue
    const name = nameOf(counts)
    const sum = sums.get(name)
    sums.set(name, sum ? plus(sum, counts) : counts)
  }
  return [...sums.values()]
}

function plus(a: RouteCounts, b: RouteCounts): RouteCounts {
  const statuses = new Map(a.statuses)
  for (const [status, count] of b.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count)
  const sum = { ...a, ...emptyHistogram(), statuses }
  addHistogram(sum, a)
  addHistogram(sum, b)
  return sum
}

function nameOf({ method, endpoint }: RouteCounts): string {
  return `${method} ${endpoint}`
}

function labelsOf({ method, endpoint }: RouteCounts): string {
  return `method="${method}",endpoint="${escapeLabel(endpoint)}"`
}

function totals(counts: RouteCounts): string[] {
  const labels = labelsOf(counts)
  return Array.from(counts.statuses, ([status, count]) => `rest_responses_total{${labels},status="${status}"} ${count}`)
}

function durations(counts: RouteCounts): string[] {
  return histogram('rest_responses_duration_seconds', labelsOf(counts), counts)
}

export interface MetricsParts {
  own: () => ServiceState
  /** States of the other serving threads. */
  others: () => Promise<readonly ServiceState[]>
  memory: MemoryGate | null
  budgets: Pick<Budgets, 'sum' | 'bound'>
}

export class Metrics {
  readonly #routes: RouteMetrics[] = []
  readonly #parts: MetricsParts

  constructor(parts: MetricsParts) {
    this.#parts = parts
  }

  route(method: string, endpoint: string): RouteMetrics {
    const route = new RouteMetrics(method, endpoint)
    this.#routes.push(route)
    return route
  }

  /** Counts of this thread. */
  counts(): RouteCounts[] {
    return this.#routes.map(({ counts }) => counts)
  }

  async #states(): Promise<ServiceState[]> {
    return [this.#parts.own(), ...(await this.#parts.others())]
  }

  /** Number of answers by route, such as `GET /collections`, and by status. */
  async responses(): Promise<Record<string, Record<string, { count: number }>>> {
    const routes = summed(await this.#states()).map((counts) => [
      nameOf(counts),
      Object.fromEntries(Array.from(counts.statuses, ([status, count]) => [status, { count }])),
    ])
    return Object.fromEntries(routes)
  }

  /** `database` is null while it is being opened; then its metrics are left out. */
  async text(database: Database | null, { anonymize }: { anonymize: boolean }): Promise<string> {
    const states = await this.#states()
    const used = summed(states)
    const sum = (value: (state: ServiceState) => number) => states.reduce((all, state) => all + value(state), 0)
    const { memory, budgets } = this.#parts
    const lines = [
      ...family('app_info', 'gauge', 'Name and version', [`app_info{name="vicinal",version="${VERSION}"} 1`]),
      ...family('rest_responses_total', 'counter', 'Answers by status', used.flatMap(totals)),
      ...family(
        'rest_responses_duration_seconds',
        'histogram',
        'Time from head of the request to end of the answer',
        used.flatMap(durations),
      ),
      ...gauge(
        'rest_requests_in_work',
        'Requests admitted and not yet answered',
        sum((state) => state.inWork),
      ),
      ...gauge(
        'rest_threads',
        'Serving threads',
        sum((state) => state.threads),
      ),
      ...budgetMetrics(budgets),
      ...processMetrics(),
      ...limitMetrics(memory),
    ]
    const told = anonymize ? digestOf : (name: string) => name
    const names = database && new Set(await database.collections())
    lines.push(
      ...workMetrics(
        states.map(({ figures }) => figures),
        names && ((name) => names.has(name)),
        told,
      ),
    )
    if (database) {
      const isAnyNameless = (database.nameless ?? []).length > 0
      lines.push(...collectionMetrics(await collectionInfos(database), isAnyNameless, told))
      lines.push(...(await diskMetrics(database)))
    }
    return `${lines.join('\n')}\n`
  }
}

const BUDGET_GAUGES: readonly [name: string, help: string, budget: Budget][] = [
  ['rest_read_body_bytes', 'Bytes of bodies of reads that have arrived, and of their values', 'readBytes'],
  ['rest_write_body_bytes', 'Bytes of bodies of writes that have arrived, and of their values', 'writeBytes'],
  ['rest_answer_bytes', 'Bytes of large answers on their way', 'answerBytes'],
  ['rest_streams', 'WebSockets that are open', 'streams'],
]

/** Of all threads, each with the bound that the next one would be refused at. */
function budgetMetrics(budgets: MetricsParts['budgets']): string[] {
  return BUDGET_GAUGES.flatMap(([name, help, budget]) => [
    ...gauge(name, help, budgets.sum(budget)),
    ...gauge(`${name}_limit`, `The most: ${help}`, budgets.bound(budget)),
  ])
}

function processMetrics(): string[] {
  const memory = process.memoryUsage()
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return [
    ...gauge('memory_resident_bytes', 'Resident memory of the process', memory.rss),
    ...gauge('memory_heap_used_bytes', 'JavaScript heap in use', memory.heapUsed),
    ...gauge('memory_external_bytes', 'Buffers outside of the JavaScript heap', memory.external),
    ...gauge('process_uptime_seconds', 'Time since start', process.uptime()),
    ...family('process_cpu_seconds_total', 'counter', 'Processor time used', [
      `process_cpu_seconds_total ${(userCPUTime + systemCPUTime) / 1e6}`,
    ]),
  ]
}

function limitMetrics(memory: MemoryGate | null): string[] {
  if (memory === null || memory.limitBytes === null) return []
  return [
    ...gauge('memory_limit_bytes', 'Memory limit of the process', memory.limitBytes),
    ...gauge('memory_reserved_bytes', 'Memory reserved by requests in work', memory.reservedBytes),
    ...gauge('memory_waiting_requests', 'Requests that wait for memory', memory.waiting),
  ]
}

type PerCollection<I> = readonly [name: string, help: string, value: (info: I) => number]

/** Of closed collections, these are as of their close. */
const PER_COLLECTION: readonly PerCollection<CollectionCounts & { name: string }>[] = [
  ['collection_points', 'Points', (info) => info.pointsCount],
  ['collection_vectors', 'Vectors', (info) => info.vectorsCount],
  ['collection_indexed_vectors', 'Vectors in a graph', (info) => info.indexedVectorsCount],
  ['collection_segments', 'Segments', (info) => info.segmentsCount],
]

const PERCENT = 100

const PER_OPEN_COLLECTION: readonly PerCollection<CollectionInfo>[] = [
  ['collection_log_bytes', 'Log not yet in the table', (info) => info.logBytes],
  ['collection_tail_bytes', 'Vectors not yet in a graph', (info) => info.tailBytes],
  ['collection_memory_bytes', 'Memory that the collection holds', (info) => info.memory.total.bytes],
  ['collection_resident_bytes', 'Memory of the collection in RAM', (info) => info.memory.total.residentBytes],
  [
    'collection_yellow',
    '1 while vectors wait for a graph, a payload index is built, or segments are rebuilt',
    ({ status }) => Number(status === 'yellow'),
  ],
  ['collection_warnings', 'Problems that were survived', (info) => info.warnings.length],
]

const PER_VECTOR: readonly [name: string, help: string, of: (recall: MeasuredRecall) => RecallMeans][] = [
  ['collection_recall', "callers' queries without a filter", (recall) => recall],
  ['collection_filtered_recall', "callers' queries with a filter", ({ filtered }) => filtered],
]

/** None where the database has no disk of its own. */
async function diskMetrics(database: Database): Promise<string[]> {
  const { usage } = await database.quotas()
  const percent = usage.diskUsagePercent
  const help = 'Share of the file system of the data that is used'
  return percent === null ? [] : gauge('disk_used_ratio', help, percent / PERCENT)
}

/** Stands for collections whose names cannot be read. */
const NAMELESS = '_unknown'

/** Also of collections that cannot be served, which have no other figures. */
function redMetrics({ open, failed }: LookedAt, isAnyNameless: boolean, label: (name: string) => string): string[] {
  const states = [
    ...open.map(({ name, status }) => [label(name), Number(status === 'red')]),
    ...failed.map(({ name }) => [label(name), 1]),
    ...(isAnyNameless ? [[NAMELESS, 1]] : []),
  ]
  const help = '1 if the collection cannot be served or its background work fails'
  const samples = states.map(([id, isRed]) => `collection_red{id="${id}"} ${isRed}`)
  return family('collection_red', 'gauge', help, samples)
}

function collectionMetrics(looked: LookedAt, isAnyNameless: boolean, told: (name: string) => string): string[] {
  const { open: infos, closed, failed } = looked
  const label = (name: string) => escapeLabel(told(name))
  const counted = closed.flatMap(({ name, counts }) => (counts ? { name, ...counts } : []))
  const lines = [
    // Named as in Qdrant; a gauge must not be named so.
    ...family('collections_total', 'untyped', 'Collections', [
      `collections_total ${infos.length + closed.length + failed.length}`,
    ]),
    ...gauge('collections_open', 'Collections that are open', infos.length),
    ...redMetrics(looked, isAnyNameless, label),
  ]
  const addEach = <I extends { name: string }>([name, help, value]: PerCollection<I>, each: readonly I[]) => {
    const samples = each.map((info) => `${name}{id="${label(info.name)}"} ${value(info)}`)
    lines.push(...family(name, 'gauge', help, samples))
  }
  for (const metric of PER_COLLECTION) addEach(metric, [...infos, ...counted])
  for (const metric of PER_OPEN_COLLECTION) addEach(metric, infos)
  for (const [name, whose, of] of PER_VECTOR) {
    const means = infos.flatMap((info) =>
      Object.entries(info.recall).map(([vector, recall]) => {
        const labels = `id="${label(info.name)}",vector="${label(vector)}"`
        return { labels, ...of(recall) }
      }),
    )
    const measured = means.filter(({ queries }) => queries > 0)
    const addFamily = (suffix: string, help: string, value: (one: RecallMeans) => number | null) => {
      const samples = measured.map((one) => `${name}${suffix}{${one.labels}} ${value(one)}`)
      lines.push(...family(`${name}${suffix}`, 'gauge', help, samples))
    }
    addFamily('', `Mean recall of ${whose} that were compared with a scan`, (one) => one.measured)
    addFamily('_asked', 'Mean recall that those queries asked for', (one) => one.asked)
    addFamily('_queries', `Of ${whose}, those compared with a scan`, (one) => one.queries)
  }
  return lines
}
