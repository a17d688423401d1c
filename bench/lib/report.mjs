// The run as Markdown tables.

import { filtersTable } from './filters-report.mjs'
import { microReport } from './micro-report.mjs'
import { mixedTable } from './mixed-report.mjs'
import { countsTable, hybridTable, maxsimTable, maxsimVerdict, sparseTable } from './query-report.mjs'
import { qpsAt, rowsOf } from './rates.mjs'
import { scaleTable } from './scale-report.mjs'
import { serversTable } from './servers-report.mjs'
import { fixed, mb, round, table } from './table.mjs'
import { verdict } from './verdict.mjs'

export function report(run) {
  const parts = [`# Bench\n\n${conditions(run)}`]
  for (const [name, set] of Object.entries(run.data)) parts.push(dataReport(name, set, run))
  if (run.maxsim)
    parts.push('## Late interaction', maxsimTable(run.maxsim), verdictTable([...maxsimVerdict(run.maxsim)]))
  if (run.micro) parts.push(microReport(run.micro))
  return `${parts.join('\n\n')}\n`
}

function conditions({ commit, cpu, cores, node, m, efConstruct, date, load }) {
  return `${cpu}, ${cores} cores, load average ${fixed(load, 1)} at the start; Node ${node}; commit ${commit}; M ${m}, ef_construction ${efConstruct}; recall@10; ${date}`
}

function dataReport(name, set, run) {
  const parts = [`## ${name}: ${round(set.rows)} × ${set.dim}, ${set.distance}, ${round(set.queries)} queries`]
  const systems = Object.entries(set.systems)
  if (systems.length > 0) {
    parts.push(`### Queries a second at a recall, and building`, overview(systems))
    parts.push('### Sweeps', sweeps(systems, run))
  }
  if (set.kernel) parts.push('### The kernel alone, one thread', kernelTable(set.kernel))
  if (set.recall)
    parts.push(
      '### Recall asked for and got, library, one at a time',
      recallTable(set.recall),
      settlingLine(set.recall),
    )
  if (set.service) parts.push('### Service over loopback, client on the same cores', serviceTable(set.service))
  if (set.ingest)
    parts.push('### Ingestion, acknowledged durable', ingestTable(set.ingest), ...profileParts(set.ingest))
  if (set.filters) parts.push('### Filtered search, one at a time', filtersTable(set.filters))
  if (set.counts) parts.push('### Counts and facets of filtered rows', countsTable(set.counts))
  if (set.sparse) parts.push('### Full-text search by BM25', sparseTable(set.sparse))
  if (set.hybrid) parts.push('### Dense and full-text search in one query', hybridTable(set.hybrid))
  if (set.servers) parts.push('### Servers over loopback, client on the same cores', serversTable(set.servers))
  if (set.mixed) parts.push('### Searching while points are inserted', mixedTable(set.mixed))
  if (set.scale) parts.push('### As data grow: words, and mixtures of pairs of them', scaleTable(set.scale))
  if (set.rebuild) {
    parts.push(
      `Rebuilding from the table, segments deleted: open ${fixed(set.rebuild.openSeconds)} s, all indexed after ${fixed(set.rebuild.indexedSeconds)} s.`,
    )
  }
  const rows = verdict(set)
  if (rows.length > 0) parts.push(`### Verdict on ${name}`, verdictTable(rows))
  return parts.join('\n\n')
}

function overview(systems) {
  const at = (search, inFlight, recall) => round(search && qpsAt(rowsOf(search.rows, inFlight), recall))
  return table(
    [
      'system',
      'QPS at .90',
      '.95',
      '.99',
      '.95, 2 threads',
      'build s (CPU s)',
      'threads',
      'RSS built',
      'RSS opened',
      'open s',
      'note',
    ],
    systems.map(([name, { build, search, memory, error }]) => [
      name,
      ...[0.9, 0.95, 0.99].map((recall) => at(search, 1, recall)),
      at(search, 2, 0.95),
      build ? `${fixed(build.wallSeconds)} (${fixed(build.cpuSeconds)})` : '–',
      build?.threads ?? '–',
      build ? mb(build.rssGrowth) : '–',
      memory ? mb(memory.rssGrowth) : '–',
      fixed(search?.openSeconds, 3),
      error ? `failed: ${error.split('\n')[0]}` : noteOf(build),
    ]),
  )
}

function noteOf(build) {
  if (!build?.codeBytes) return build?.note ?? ''
  return `${build.note}; ${round(build.codeBytes / build.rows)} B of codes a vector`
}

function sweeps(systems, { m, commit, cpu }) {
  const rows = systems.flatMap(([name, { search }]) =>
    (search?.rows ?? []).map((row) => [
      name,
      row.variant ?? '',
      m,
      row.ef,
      row.inFlight,
      ...measured(row),
      cpu,
      commit,
    ]),
  )
  const heads = [
    'system',
    'variant',
    'M',
    'ef',
    'threads',
    'recall',
    'QPS',
    'median',
    'p50 µs',
    'p99 µs',
    'CPU',
    'commit',
  ]
  return table(heads, rows)
}

const measured = (row) => [fixed(row.recall, 4), round(row.qps), round(row.qpsMedian), round(row.p50), round(row.p99)]

function kernelTable({ vicinal, hnswlib, hnswlibSource }) {
  const heads = ['', 'asked or ef', 'recall', 'QPS', 'p50 µs', 'p99 µs', 'build CPU s']
  const rowsOfOne = (name, { build, rows }) =>
    rows.map((row) => [
      name,
      row.asked ?? row.ef,
      fixed(row.recall, 4),
      round(row.qps),
      round(row.p50),
      round(row.p99),
      fixed(build.cpuSeconds),
    ])
  return table(heads, [...rowsOfOne('Vicinal', vicinal), ...rowsOfOne(`hnswlib, ${hnswlibSource}`, hnswlib)])
}

function recallTable({ rows }) {
  const heads = ['queries, filter', 'asked', 'got', 'beyond', '95 % sure of', 'QPS', 'queries']
  return table(
    heads,
    rows.map(({ kind, asked, recall, low, qps, queries }) => [
      kind,
      asked,
      fixed(recall, 4),
      fixed(recall - asked, 4),
      fixed(low, 4),
      round(qps),
      queries,
    ]),
  )
}

function settlingLine({ settling: { seconds, compared, stored, live } }) {
  const samples = `${round(live)} live and ${round(stored)} stored samples`
  return `Queries of another kind: asked for ${fixed(seconds, 1)} s beforehand, of which ${round(compared)} were compared with a scan; then calibrated on ${samples}.`
}

function serviceTable({ rows }) {
  const heads = ['codec', 'connections', 'ef', 'recall', 'QPS', 'median', 'p50 µs', 'p99 µs']
  return table(
    heads,
    rows.map((row) => [row.codec, row.inFlight, row.ef, ...measured(row)]),
  )
}

function ingestTable({ library, service }) {
  return table(
    ['through', 'points', 's', 'points/s', 'MB/s', 'disk MB/s, one fdatasync', 'one a batch', 'cores busy'],
    [library, service]
      .filter(Boolean)
      .map((row) => [
        row.through,
        round(row.points),
        fixed(row.seconds),
        round(row.pointsPerSecond),
        fixed(row.bytesPerSecond / 1e6, 1),
        fixed(row.disk.oneSync / 1e6, 1),
        fixed(row.disk.syncPerBatch / 1e6, 1),
        `${round(row.busyShare * 100)} %`,
      ]),
  )
}

/** CPU time by thread while the service ingested, and a profile of its main thread. */
function profileParts({ service, profile }) {
  const parts = []
  if (service) {
    const threads = Object.entries(service.threads).map(([name, seconds]) => [name, fixed(seconds)])
    parts.push(
      table(
        ['thread of the service while ingesting', 'CPU s'],
        [...threads, ['(the client)', fixed(service.clientSeconds)]],
      ),
    )
  }
  if (profile?.mainThread) {
    const rows = profile.mainThread.map(({ name, share, seconds }) => [name, fixed(seconds), `${round(share * 100)} %`])
    parts.push(table(['main thread of the service, self time', 's', 'of the time'], rows))
  }
  return parts
}

function verdictTable(rows) {
  const heads = ['', 'claim', 'measured', 'bound', 'numbers']
  return table(
    heads,
    rows.map(({ pass, check, value, bound, detail }) => [pass ? 'PASS' : 'FAIL', check, value, bound, detail]),
  )
}
