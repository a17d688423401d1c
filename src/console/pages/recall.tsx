import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ErrorLine, Section, Table, Tile, Waiting } from '../parts/basics'
import { CurvePlot } from '../parts/curve-plot'
import { millis, percent, short, whole } from '../parts/words'
import { useAsked } from '../service/polled'
import { type Curve, type Measured, measureRecall } from '../service/recall-curve'
import { useMay } from '../service/rights'
import { ask } from '../service/session'
import { type CollectionInfo, vectorsOf } from '../service/types'
import { CodesAndGraph, SettingsChange, settingsOf, type VectorChange } from './recall/settings'

const LOOK_EVERY_MS = 4_000
const QUERIES = [50, 100, 300, 1000]
const MICROS = 1e6

/** Recall against latency on the collection's own vectors, and the promised and measured recall of callers' queries. */
export function RecallPage({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path], LOOK_EVERY_MS)
  const [picked, setPicked] = useState<string | null>(null)
  const [change, setChange] = useState<VectorChange | null>(null)
  const mayChange = useMay('all', name)
  if (!info.value) return <Waiting of={info} />
  const vectors = Object.keys(vectorsOf(info.value))
  const using = picked ?? vectors[0]
  if (using === undefined) return <p>This collection has no dense vectors: its searches are exact.</p>
  const settings = settingsOf(info.value, using)
  const askDefault = mayChange ? (recall: number) => setChange({ hnsw_config: { recall } }) : null
  return (
    <>
      <h1>Recall of {name}</h1>
      <ErrorLine error={info.error} />
      {vectors.length > 1 && (
        <label class="row">
          Vector
          <select value={using} onChange={(event) => setPicked(event.currentTarget.value)}>
            {vectors.map((vector) => (
              <option key={vector}>{vector}</option>
            ))}
          </select>
        </label>
      )}
      <Live recall={info.value.recall[using]} />
      <Curves key={using} path={path} using={using} byDefault={settings.recall} onDefault={askDefault} />
      {mayChange && <CodesAndGraph key={`${using} settings`} settings={settings} onChange={setChange} />}
      {change && (
        <SettingsChange
          path={path}
          info={info.value}
          using={using}
          change={change}
          onDone={() => {
            setChange(null)
            info.again()
          }}
        />
      )}
    </>
  )
}

function Live({ recall }: { recall: CollectionInfo['recall'][string] | undefined }) {
  if (!recall) return null
  const { filtered } = recall
  return (
    <Section title="Of callers’ queries">
      <div class="tiles">
        <Tile name="Asked for" value={percent(recall.asked)} />
        <Tile name="Measured" value={percent(recall.measured)} beside={`${whole(recall.queries)} queries compared`} />
        <Tile
          name="Measured, with a filter"
          value={percent(filtered?.measured)}
          beside={`${whole(filtered?.queries ?? 0)} queries compared`}
        />
      </div>
      <p class="quiet small">Some of the queries that callers make are compared with a scan, in the background.</p>
    </Section>
  )
}

interface CurveParts {
  path: string
  using: string
  /** The recall of queries that ask for none. */
  byDefault: number
  /** Null for callers that may not change it. */
  onDefault: ((recall: number) => void) | null
}

function Curves({ path, using, byDefault, onDefault }: CurveParts) {
  const [queries, setQueries] = useState(100)
  const [progress, setProgress] = useState<number | null>(null)
  const [curve, setCurve] = useState<Curve | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const measure = async () => {
    stop.current = new AbortController()
    const { signal } = stop.current
    setError(null)
    setProgress(0)
    try {
      const onProgress = (done: number, of: number) => setProgress(done / of)
      setCurve(await measureRecall({ path, using, byDefault, queries, signal, onProgress }))
    } catch (failure) {
      if (!signal.aborted) setError(failure as Error)
    }
    setProgress(null)
  }
  const start = (
    <div class="row">
      <label class="row">
        Queries
        <select value={queries} onChange={(event) => setQueries(Number(event.currentTarget.value))}>
          {QUERIES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {progress === null ? (
        <button type="button" onClick={() => void measure()}>
          Measure
        </button>
      ) : (
        <button type="button" class="plain" onClick={() => stop.current?.abort()}>
          Stop
        </button>
      )}
    </div>
  )
  return (
    <Section title="Recall against latency" beside={start}>
      <p class="quiet small" aria-live="polite">
        {progress === null
          ? 'Stored points ask for their neighbours, by a scan and at each recall, one query at a time.'
          : `${Math.floor(progress * 100)} % asked`}
      </p>
      <ErrorLine error={error} />
      {curve && <Drawn curve={curve} byDefault={byDefault} onDefault={onDefault} />}
    </Section>
  )
}

function Drawn({ curve, byDefault, onDefault }: Pick<CurveParts, 'byDefault' | 'onDefault'> & { curve: Curve }) {
  const { points, exactMicros, queries } = curve
  const byRecall = useMemo(() => [...points].sort((a, b) => a.recall - b.recall), [points])
  const x = useMemo(() => byRecall.map(({ recall }) => recall), [byRecall])
  const y = useMemo(() => byRecall.map(({ p50Micros }) => p50Micros / MICROS), [byRecall])
  const isScan = points.every((point) => point.isScan)
  const marked = byRecall.findIndex(({ asked }) => asked === byDefault)
  return (
    <>
      {isScan ? (
        <p>
          At each recall the queries compare all vectors, for a scan costs the least here. So the choice makes no
          difference, and there is no curve.
        </p>
      ) : (
        <CurvePlot
          xName="measured recall@10, in percent"
          yName="Median time of a query, in ms"
          x={x}
          y={y}
          xRange={(least) => [Math.min(least, 0.99) - 0.01, 1]}
          xText={(value) => percent(value)}
          yText={millis}
          marked={marked}
        />
      )}
      <Table label="Recall and latency">
        <thead>
          <tr>
            <th>Asked for</th>
            <th>Recall@10 measured</th>
            <th>p50</th>
            <th>p99</th>
            <th>Distances</th>
            <th>Default</th>
          </tr>
        </thead>
        <tbody>{points.map((point) => row(point, byDefault, onDefault))}</tbody>
      </Table>
      <p class="quiet small">
        Of {whole(queries)} queries; a scan takes {millis(exactMicros / MICROS)}.{' '}
        {!isScan && 'The marked point is the default. '}
        Queries ask for another one by <code>params.recall</code>.
      </p>
    </>
  )
}

function row(measured: Measured, byDefault: number, onDefault: CurveParts['onDefault']) {
  const { asked, recall, doubt, p50Micros, p99Micros, distances } = measured
  return (
    <tr key={asked}>
      <th scope="row">{asked}</th>
      <td>
        {percent(recall)} <span class="quiet">± {percent(doubt)}</span>
      </td>
      <td>{millis(p50Micros / MICROS)}</td>
      <td>{millis(p99Micros / MICROS)}</td>
      <td>{short(Math.round(distances))}</td>
      <td>
        {asked === byDefault && 'in use'}
        {asked !== byDefault && onDefault && (
          <button type="button" class="plain" onClick={() => onDefault(asked)}>
            Use {asked} …
          </button>
        )}
      </td>
    </tr>
  )
}
