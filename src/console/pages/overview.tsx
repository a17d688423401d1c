import { useMemo, useRef, useState } from 'preact/hooks'
import { ErrorLine, Section, Status, Table, Tile, Waiting } from '../parts/basics'
import { linkTo } from '../parts/place'
import { Plot } from '../parts/plot'
import { bytes, millis, percent, short, uptime, whole } from '../parts/words'
import { byCollection, type Lately, lately, type Metrics, metricsOf, numberOf } from '../service/metrics-text'
import { type Asked, useAsked } from '../service/polled'
import { ask, askPlain, Refused } from '../service/session'

const FORBIDDEN = 403
const LOOK_EVERY_MS = 2_000
const SLOW_LOOK_EVERY_MS = 10_000
/** Five minutes of looks. */
const MOST_LOOKS = 150
/** Rows shown at first: a table of all of 10,000 collections takes a browser seconds. */
const ROWS = 200

interface Look {
  atSeconds: number
  metrics: Metrics
  /** Requests since the look before. */
  perSecond: number | null
  reads: Lately
  writes: Lately
}

const NONE: Lately = { requests: 0, p50: null, p99: null }
const isRead = (endpoint: string) => /\/(query|search|recommend|discover|scroll|count|facet)\b/.test(endpoint)
const isWrite = (endpoint: string) => /\/(points|ingest|delete|payload|vectors|batch)$/.test(endpoint)

export function OverviewPage() {
  const looks = useRef<Look[]>([])
  const asked = useAsked(
    async (signal) => {
      looks.current = [...looks.current, await look(looks.current.at(-1), signal)].slice(-MOST_LOOKS)
      return looks.current
    },
    [],
    LOOK_EVERY_MS,
  )
  const issues = useAsked(
    (signal) => ask<{ issues: { id: string; description: string }[] }>('GET', '/issues', undefined, signal),
    [],
    SLOW_LOOK_EVERY_MS,
  )
  // Asked beside the metrics, so that neither waits for the other.
  const listed = useAsked((signal) => ask<Listed>('GET', '/collections', undefined, signal), [], SLOW_LOOK_EVERY_MS)
  const last = asked.value?.at(-1)
  return (
    <>
      <h1>Overview</h1>
      <ErrorLine error={asked.error} />
      <ErrorLine
        error={issues.error && !isForbidden(issues.error) ? new Error(`Warnings: ${issues.error.message}`) : null}
      />
      {last && <Tiles look={last} />}
      {asked.value && <Load looks={asked.value} />}
      <Warnings issues={issues.value?.issues ?? []} />
      <Collections metrics={last?.metrics ?? null} listed={listed} />
      <Nodes />
    </>
  )
}

const isForbidden = (error: unknown) => error instanceof Refused && error.status === FORBIDDEN

/** A token of single collections sees none of the metrics, which are of all collections. */
async function metricsText(signal: AbortSignal): Promise<string> {
  try {
    return await (await askPlain('/metrics', signal)).text()
  } catch (error) {
    if (isForbidden(error)) return ''
    throw error
  }
}

async function look(before: Look | undefined, signal: AbortSignal): Promise<Look> {
  const metrics = metricsOf(await metricsText(signal))
  const atSeconds = Date.now() / 1000
  if (!before) return { atSeconds, metrics, perSecond: null, reads: NONE, writes: NONE }
  const of = (is: (endpoint: string) => boolean) => lately(before.metrics, metrics, is)
  const { requests } = of((endpoint) => endpoint !== '/metrics')
  return {
    atSeconds,
    metrics,
    perSecond: Math.max(0, requests) / (atSeconds - before.atSeconds),
    reads: of(isRead),
    writes: of((endpoint) => isWrite(endpoint) && !isRead(endpoint)),
  }
}

function Tiles({ look: { metrics, perSecond, reads } }: { look: Look }) {
  const sum = (name: string) => [...byCollection(metrics, name).values()].reduce((all, one) => all + one, 0)
  const value = (name: string) => numberOf(metrics, name)
  const limit = value('memory_limit_bytes')
  const total = value('collections_total')
  return (
    <div class="tiles">
      <Tile name="Collections" value={whole(total)} beside={`${whole(value('collections_open'))} open`} />
      <Tile
        name="Points"
        value={whole(sum('collection_points'))}
        beside={`${whole(sum('collection_vectors'))} vectors`}
      />
      <Tile
        name="Memory"
        value={bytes(value('memory_resident_bytes'))}
        {...(limit ? { beside: `of ${bytes(limit)}` } : {})}
      />
      <Tile
        name="Requests"
        value={perSecond === null ? '–' : `${short(perSecond)}/s`}
        beside={`${value('rest_requests_in_work')} in work`}
      />
      <Tile name="Reads, lately" value={millis(reads.p50)} beside={`p99 ${millis(reads.p99)}`} />
      <Tile name="Up for" value={uptime(value('process_uptime_seconds'))} />
    </div>
  )
}

function Load({ looks }: { looks: readonly Look[] }) {
  const times = useMemo(() => looks.map(({ atSeconds }) => atSeconds), [looks])
  const rate = useMemo(
    () => [
      {
        name: 'requests',
        colour: '--first',
        values: looks.map(({ perSecond }) => perSecond),
        text: (value: number) => `${short(value)}/s`,
      },
    ],
    [looks],
  )
  const latency = useMemo(() => {
    const text = (value: number) => millis(value)
    return [
      { name: 'reads p50', colour: '--first', values: looks.map(({ reads }) => reads.p50), text },
      { name: 'reads p99', colour: '--second', values: looks.map(({ reads }) => reads.p99), text },
      { name: 'writes p99', colour: '--third', values: looks.map(({ writes }) => writes.p99), text },
    ]
  }, [looks])
  return (
    <div class="plots">
      <Plot title="Requests a second" times={times} lines={rate} />
      <Plot title="Latency" times={times} lines={latency} />
    </div>
  )
}

function Warnings({ issues }: { issues: readonly { id: string; description: string }[] }) {
  if (issues.length === 0) return null
  return (
    <Section title={`Warnings (${issues.length})`}>
      <ul class="warnings">
        {issues.slice(0, ROWS).map(({ id, description }) => (
          <li key={id}>{description}</li>
        ))}
      </ul>
    </Section>
  )
}

interface Row {
  name: string
  points: number | undefined
  vectors: number
  indexed: number
  resident: number
  log: number
  warnings: number
}

const COLUMNS = [
  ['name', 'Collection'],
  ['points', 'Points'],
  ['indexed', 'Indexed'],
  ['resident', 'Memory'],
  ['log', 'Log'],
  ['warnings', 'Status'],
] as const
type Column = (typeof COLUMNS)[number][0]

interface Listed {
  collections: { name: string }[]
}

function Collections({ metrics, listed }: { metrics: Metrics | null; listed: Asked<Listed> }) {
  const [part, setPart] = useState('')
  const [order, setOrder] = useState<Column>('name')
  const rows = useMemo(
    () => sorted(rowsOf(listed.value?.collections ?? [], metrics), order).filter(({ name }) => name.includes(part)),
    [listed.value, metrics, order, part],
  )
  if (!listed.value) return <Waiting of={listed} />
  const search = (
    <input
      type="search"
      placeholder="Name contains …"
      aria-label="Name contains"
      value={part}
      onInput={(event) => setPart(event.currentTarget.value)}
    />
  )
  return (
    <Section title="Collections" beside={search}>
      {rows.length === 0 ? (
        <p class="quiet">
          {part ? `No collection has “${part}” in its name.` : 'No collections yet. PUT /collections/NAME makes one.'}
        </p>
      ) : (
        <CollectionTable rows={rows} isMeasured={metrics !== null} order={order} onOrder={setOrder} />
      )}
    </Section>
  )
}

function rowsOf(listed: readonly { name: string }[], metrics: Metrics | null): Row[] {
  const of = (name: string) => (metrics ? byCollection(metrics, name) : new Map<string, number>())
  const points = of('collection_points')
  const vectors = of('collection_vectors')
  const indexed = of('collection_indexed_vectors')
  const resident = of('collection_resident_bytes')
  const log = of('collection_log_bytes')
  const warnings = of('collection_warnings')
  return listed.map(({ name }) => ({
    name,
    points: points.get(name),
    vectors: vectors.get(name) ?? 0,
    indexed: indexed.get(name) ?? 0,
    resident: resident.get(name) ?? 0,
    log: log.get(name) ?? 0,
    warnings: warnings.get(name) ?? 0,
  }))
}

/** Names rise; numbers fall, because people look for the largest. */
function sorted(rows: Row[], order: Column): Row[] {
  if (order === 'name') return rows.sort((a, b) => (a.name < b.name ? -1 : 1))
  return rows.sort((a, b) => (b[order] ?? -1) - (a[order] ?? -1))
}

interface TableParts {
  rows: Row[]
  /** Names come before their numbers, which take longer. */
  isMeasured: boolean
  order: Column
  onOrder: (by: Column) => void
}

function CollectionTable({ rows, isMeasured, order, onOrder }: TableParts) {
  const [most, setMost] = useState(ROWS)
  return (
    <>
      <Table label="Collections">
        <thead>
          <tr>
            {COLUMNS.map(([column, text]) => (
              <th key={column} aria-sort={order === column ? (column === 'name' ? 'ascending' : 'descending') : 'none'}>
                <button type="button" class="plain" onClick={() => onOrder(column)}>
                  {text}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, most).map((row) => (
            <tr key={row.name}>
              <th scope="row">
                <a href={linkTo(['collections', row.name])}>{row.name}</a>
              </th>
              <td>{row.points === undefined ? '–' : whole(row.points)}</td>
              <td>{row.vectors ? percent(row.indexed / row.vectors) : '–'}</td>
              <td>{row.resident ? bytes(row.resident) : '–'}</td>
              <td>{row.points === undefined ? '–' : bytes(row.log)}</td>
              <td>
                {row.points === undefined ? (
                  <Status status={isMeasured ? 'closed' : '…'} />
                ) : (
                  <Status status={row.warnings ? 'warns' : 'green'} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
      {rows.length > most && (
        <button type="button" onClick={() => setMost(most + 10 * ROWS)}>
          Show more of {whole(rows.length)}
        </button>
      )}
    </>
  )
}

interface Cluster {
  vicinal?: {
    owner: string | null
    nodes: { id: string; url: string | null; roles: string[]; lag_seconds: number | null }[]
  }
}

/** The nodes on the same store, where there is one. */
function Nodes() {
  const cluster = useAsked((signal) => ask<Cluster>('GET', '/cluster', undefined, signal), [], SLOW_LOOK_EVERY_MS)
  const nodes = cluster.value?.vicinal
  if (isForbidden(cluster.error)) return null
  if (cluster.error) return <ErrorLine error={new Error(`Nodes: ${cluster.error.message}`)} />
  if (!nodes) return null
  return (
    <Section title="Nodes">
      <Table label="Nodes">
        <thead>
          <tr>
            <th>Node</th>
            <th>Address</th>
            <th>Roles</th>
            <th>Behind by</th>
          </tr>
        </thead>
        <tbody>
          {nodes.nodes.map(({ id, url, roles, lag_seconds }) => (
            <tr key={id}>
              <th scope="row">
                {id} {id === nodes.owner && <Status status="owner" />}
              </th>
              <td>{url ?? '–'}</td>
              <td>{roles.join(', ')}</td>
              <td>{lag_seconds === null ? '–' : `${short(lag_seconds)} s`}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}
