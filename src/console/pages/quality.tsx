import { useState } from 'preact/hooks'
import { ErrorLine, Section, Status, Table, Waiting } from '../parts/basics'
import { May } from '../parts/may'
import { percent, short, whole } from '../parts/words'
import { useAsked } from '../service/polled'
import type { QualityReport } from '../service/quality'
import { ask } from '../service/session'
import { VectorReport } from './quality/vector-report'

/** What the data of a collection is like: the newest report, and drift over those that were kept. */
export function QualityPage({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const kept = useAsked(
    (signal) => ask<QualityReport[]>('GET', `${path}/quality?history=true`, undefined, signal),
    [path],
  )
  const [error, setError] = useState<Error | null>(null)
  const [isBusy, setIsBusy] = useState(false)
  const run = async (work: () => Promise<unknown>) => {
    setIsBusy(true)
    try {
      await work()
      setError(null)
      kept.again()
    } catch (failure) {
      setError(failure as Error)
    }
    setIsBusy(false)
  }
  const report = kept.value?.at(-1)
  return (
    <>
      <h1>Quality of {name}</h1>
      <p class="row">
        <button type="button" disabled={isBusy} onClick={() => void run(() => ask('GET', `${path}/quality`))}>
          {isBusy ? 'Looking …' : 'Make a report'}
        </button>
        <May change="extras" of={name}>
          <button
            type="button"
            class="plain"
            disabled={isBusy}
            onClick={() => void run(() => ask('PUT', `${path}/quality/reference`, {}))}
          >
            Compare later data with that of now
          </button>
        </May>
      </p>
      <ErrorLine error={error} />
      {kept.value === null && <Waiting of={kept} />}
      {kept.value?.length === 0 && <p class="quiet">No report was made yet.</p>}
      {report && <Report name={name} report={report} />}
      {kept.value && <Drift reports={kept.value} />}
    </>
  )
}

function Report({ name, report }: { name: string; report: QualityReport }) {
  return (
    <>
      <p class="quiet">
        {new Date(report.time).toLocaleString()}: at most {whole(report.sample)} of {whole(report.points)} points for
        each vector, seed {report.seed}, in {short(report.took_ms)} ms.
      </p>
      {report.vectors.map((vector) => (
        <VectorReport key={vector.name} collection={name} vector={vector} />
      ))}
      <Modalities found={report.modalities} />
      <Rules counts={report.rules} />
      {report.skipped.map(({ name: vector, why }) => (
        <p key={vector} class="quiet small">
          {vector}: {why}
        </p>
      ))}
    </>
  )
}

function Modalities({ found }: { found: QualityReport['modalities'] }) {
  if (found.length === 0) return null
  return (
    <Section title="Between modalities">
      <Table label="Gaps between modalities">
        <thead>
          <tr>
            <th>Vectors</th>
            <th>Gap of their centres</th>
            <th>Median rank of the pair</th>
            <th>Pair is nearest</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ a, b, gap, median_rank, first, sampled }) => (
            <tr key={`${a} ${b}`}>
              <th scope="row">{`${a} and ${b}`}</th>
              <td>{short(gap)}</td>
              <td>
                {short(median_rank)} <span class="quiet">of {whole(sampled)}</span>
              </td>
              <td>{percent(first)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}

function Rules({ counts }: { counts: QualityReport['rules'] }) {
  if (counts.length === 0) return null
  return (
    <Section title="What the rules did">
      <Table label="What the rules did">
        <thead>
          <tr>
            <th>Day</th>
            <th>Stored</th>
            <th>Refused</th>
            <th>In quarantine</th>
            <th>Mended</th>
            <th>Flagged</th>
            <th>By rule</th>
          </tr>
        </thead>
        <tbody>
          {counts.map(({ day, accepted, rejected, quarantined, fixed, flagged, by_rule }) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              {[accepted, rejected, quarantined, fixed, flagged].map((count, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its column
                <td key={at}>{whole(count)}</td>
              ))}
              <td>{textOf(by_rule)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}

function textOf(byRule: Record<string, number>): string {
  return Object.entries(byRule)
    .map(([rule, count]) => `${rule}: ${whole(count)}`)
    .join(', ')
}

/** One line for each kept report that compared with a reference, the newest first. */
function Drift({ reports }: { reports: readonly QualityReport[] }) {
  const rows = [...reports]
    .reverse()
    .flatMap(({ time, vectors }) => vectors.flatMap(({ name, drift }) => (drift ? [{ time, name, drift }] : [])))
  if (rows.length === 0) return null
  return (
    <Section title="Drift from the reference">
      <Table label="Drift from the reference">
        <thead>
          <tr>
            <th>Report</th>
            <th>Vector</th>
            <th>Verdict</th>
            <th>p</th>
            <th>AUC</th>
            <th>Energy</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, name, drift }) => (
            <tr key={`${time} ${name}`}>
              <th scope="row">{new Date(time).toLocaleString()}</th>
              <td>{name || 'unnamed'}</td>
              <td>
                <Status status={drift.drifted ? 'drifted' : 'alike'} />
              </td>
              <td>{short(drift.p_value)}</td>
              <td>{short(drift.auc)}</td>
              <td>{short(drift.energy.effect)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}
