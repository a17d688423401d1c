import { useContext, useMemo, useState } from 'preact/hooks'
import { ErrorLine, Section, Tile, Waiting } from '../parts/basics'
import { Plot } from '../parts/plot'
import { bytes, millis, short, uptime, whole } from '../parts/words'
import type { Rights } from '../service/access'
import { byCollection, type Lately, type Metrics, metricsOf, numberOf } from '../service/metrics-text'
import { type Asked, useAsked } from '../service/polled'
import { askRights, RightsOfTab } from '../service/rights'
import { ask, askPlain, onKeyKept } from '../service/session'
import type { CollectionInfo } from '../service/types'
import { CollectionTable } from './overview/collection-table'
import { type Drawn, type Looks, recentReads, sinceStart, withLook } from './overview/looks'
import { Memory } from './overview/memory'
import { Nodes } from './overview/nodes'
import { type Column, closedIn, measuredRows, namedRows, type Row, sorted, toldRows, troublesIn } from './overview/rows'

const LOOK_EVERY_MS = 2_000
const SLOW_LOOK_EVERY_MS = 10_000
/** Each look at the warnings is a line of the audit log. */
const RARE_LOOK_EVERY_MS = 300_000
/** Warnings shown. */
const MOST_WARNINGS = 200
/** Collections of a token whose infos are asked for. */
const MOST_INFOS = 50

interface Listed {
  collections: { name: string }[]
}

/** The looks of this tab, so that a return to the page goes on with them. Another key begins anew. */
let looksOfTab: Looks | null = null
onKeyKept(() => {
  looksOfTab = null
})

export function OverviewPage() {
  // Asked beside the rights, so that neither waits for the other.
  const listed = useAsked((signal) => ask<Listed>('GET', '/collections', undefined, signal), [], SLOW_LOOK_EVERY_MS)
  const rights = useKnownRights(listed.value !== null)
  const names = useRows(listed, namedRows)
  return (
    <>
      <h1>Overview</h1>
      {rights === null ? (
        <Collections listed={listed} rows={names} />
      ) : Array.isArray(rights.access) ? (
        <OfSome listed={listed} />
      ) : (
        <OfAll listed={listed} />
      )}
    </>
  )
}

/** The page asks only for data that its caller may see: each refusal is a line of the audit log. */
function useKnownRights(isAnswered: boolean): Rights | null {
  const known = useContext(RightsOfTab)
  const isMissing = known === null && isAnswered
  const asked = useAsked(async () => (isMissing ? await askRights() : null), [isMissing])
  return known ?? asked.value
}

/** For callers that may read everything. */
function OfAll({ listed }: { listed: Asked<Listed> }) {
  const asked = useAsked(
    async (signal) => {
      const text = await (await askPlain('/metrics', signal)).text()
      looksOfTab = withLook(looksOfTab, metricsOf(text), Date.now() / 1000)
      return looksOfTab
    },
    [],
    LOOK_EVERY_MS,
  )
  const found = asked.value
  const metrics = found?.metrics ?? null
  const troubles = useMemo(() => metrics && troublesIn(metrics), [metrics])
  const rowsOf = useMemo(() => (metrics ? (names: string[]) => measuredRows(names, metrics) : namedRows), [metrics])
  const rows = useRows(listed, rowsOf)
  return (
    <>
      <ErrorLine error={asked.error} />
      {metrics && found && <Tiles metrics={metrics} drawn={found.drawn} uncounted={closedIn(rows).uncounted} />}
      {found && <Load looks={found.drawn} />}
      {troubles !== null && <Warnings since={troubles} />}
      <Memory rows={rows} onOpened={asked.again} />
      <Collections listed={listed} rows={rows} />
      <Nodes />
    </>
  )
}

/** For a token of single collections. Metrics and nodes are of the whole service, and refused. */
function OfSome({ listed }: { listed: Asked<Listed> }) {
  const names = listed.value?.collections.map(({ name }) => name).slice(0, MOST_INFOS) ?? []
  const infos = useAsked(
    async (signal) => {
      const found = new Map<string, CollectionInfo | Error>()
      for (const name of names) {
        const path = `/collections/${encodeURIComponent(name)}`
        found.set(name, await ask<CollectionInfo>('GET', path, undefined, signal).catch((error: Error) => error))
      }
      return found
    },
    [names.join()],
    SLOW_LOOK_EVERY_MS,
  )
  const found = infos.value
  const rowsOf = useMemo(() => (found ? (all: string[]) => toldRows(all, found) : namedRows), [found])
  const rows = useRows(listed, rowsOf)
  return (
    <>
      <Warnings since="" />
      <Memory rows={rows} onOpened={infos.again} />
      <Collections listed={listed} rows={rows} />
    </>
  )
}

interface TileParts {
  metrics: Metrics
  drawn: readonly Drawn[]
  /** Closed collections whose points nobody knows. */
  uncounted: number
}

function Tiles({ metrics, drawn, uncounted }: TileParts) {
  const perSecond = drawn.at(-1)?.perSecond ?? null
  const all = useMemo(() => sinceStart(metrics), [metrics])
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
        beside={`${whole(sum('collection_vectors'))} vectors${uncounted > 0 ? `, without ${whole(uncounted)} closed` : ''}`}
      />
      <Tile
        name="Memory"
        value={bytes(value('memory_resident_bytes'))}
        {...(limit ? { beside: `of ${bytes(limit)}` } : {})}
      />
      <Tile
        name="Requests"
        value={perSecond === null ? whole(all.requests) : `${short(perSecond)}/s`}
        beside={`${perSecond === null ? '' : `${whole(all.requests)} `}since start, ${value('rest_requests_in_work')} in work`}
      />
      <Reads recent={recentReads(drawn)} all={all.reads} />
      <Tile name="Up for" value={uptime(value('process_uptime_seconds'))} />
    </div>
  )
}

/** Of the last minute; where it had none, of all time. */
function Reads({ recent, all }: { recent: Lately | null; all: Lately }) {
  if (all.p50 === null) return <Tile name="Reads" value="–" beside="no reads yet" />
  const { p50, p99 } = recent ?? all
  const beside = `p99 ${millis(p99)}, ${whole(all.requests)} since start`
  return <Tile name={recent ? 'Reads, lately' : 'Reads since start'} value={millis(p50)} beside={beside} />
}

function Load({ looks }: { looks: readonly Drawn[] }) {
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
      { name: 'writes p50', colour: '--quiet', values: looks.map(({ writes }) => writes.p50), text },
      { name: 'writes p99', colour: '--third', values: looks.map(({ writes }) => writes.p99), text },
    ]
  }, [looks])
  return (
    <div class="plots">
      <Plot title="Requests" measure="Requests/s" times={times} lines={rate} />
      <Plot
        title="Latency"
        measure="Time of a request"
        times={times}
        lines={latency}
        none="No reads yet and no writes, since the page was opened."
      />
    </div>
  )
}

interface Issues {
  issues: { id: string; description: string }[]
}

/** Asked for when the page is opened, when `since` is another text, and rarely otherwise. */
function Warnings({ since }: { since: string }) {
  const asked = useAsked((signal) => ask<Issues>('GET', '/issues', undefined, signal), [since], RARE_LOOK_EVERY_MS)
  const issues = asked.value?.issues ?? []
  return (
    <>
      <ErrorLine error={asked.error && new Error(`Warnings: ${asked.error.message}`)} />
      {issues.length > 0 && (
        <Section title={`Warnings (${issues.length})`}>
          <ul class="warnings">
            {issues.slice(0, MOST_WARNINGS).map(({ id, description }) => (
              <li key={id}>{description}</li>
            ))}
          </ul>
        </Section>
      )}
    </>
  )
}

type RowsOf = (names: string[]) => Row[]

function useRows(listed: Asked<Listed>, rowsOf: RowsOf): Row[] {
  const list = listed.value
  return useMemo(() => rowsOf(list?.collections.map(({ name }) => name) ?? []), [list, rowsOf])
}

function Collections({ listed, rows: all }: { listed: Asked<Listed>; rows: readonly Row[] }) {
  const [part, setPart] = useState('')
  const [order, setOrder] = useState<Column>('name')
  const rows = useMemo(
    () =>
      sorted(
        all.filter(({ name }) => name.includes(part)),
        order,
      ),
    [all, order, part],
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
        <CollectionTable rows={rows} order={order} onOrder={setOrder} />
      )}
      {rows.some(({ disk }) => disk !== undefined) && (
        <p class="quiet small">
          Disk has log, table and segment files, as of the last half minute. Graphs and maps of small collections are in
          memory alone, so that these may take more memory than disk.
        </p>
      )}
    </Section>
  )
}
