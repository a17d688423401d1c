import { useState } from 'preact/hooks'
import { ErrorLine, Meter, Section, Table, Waiting } from '../parts/basics'
import { May } from '../parts/may'
import { percent, short, whole } from '../parts/words'
import { useAsked } from '../service/polled'
import type { QualityReport } from '../service/quality'
import { ask } from '../service/session'
import { Drift, Rules } from './quality/over-time'
import { VectorReport } from './quality/vector-report'

/** Centres of vectors of the norm 1 are at most so far from each other. */
const MOST_GAP = 2

/** The quality of a collection's data: the newest report, and drift over the kept reports. */
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
              <td>
                {short(gap)}{' '}
                <Meter share={gap / MOST_GAP} label={`Gap of ${a} and ${b}: ${short(gap)} of ${MOST_GAP}`} />
              </td>
              <td>
                {short(median_rank)} <span class="quiet">of {whole(sampled)}</span>
              </td>
              <td>
                {percent(first)}{' '}
                <Meter share={first} label={`Pairs of ${a} and ${b} that are nearest: ${percent(first)}`} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}
