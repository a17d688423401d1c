import { Section, Status } from '../../parts/basics'
import { bytes, millis, percent, whole } from '../../parts/words'
import type { PlanSegment, PlanStage } from '../../service/types'

const MICROS = 1e6

/** The plan as a tree: each stage stands above the stages that feed it. */
export function Plan({ root }: { root: PlanStage }) {
  return (
    <Section title="Plan">
      <ul class="plan">
        <Stage stage={root} />
      </ul>
    </Section>
  )
}

function Stage({ stage }: { stage: PlanStage }) {
  const below = stage.prefetch ?? []
  return (
    <li>
      <div class="node">
        <strong>{stage.stage}</strong> {stage.strategy && <Status status={stage.strategy} />}
        <div class="facts small">{factsOf(stage).map(([name, value]) => fact(name, value))}</div>
        {stage.why && <p class="quiet small">{stage.why}</p>}
        {stage.segments && stage.segments.length > 1 && <Segments segments={stage.segments} />}
      </div>
      {below.length > 0 && (
        <ul>
          {below.map((one, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: stages have no other name than their place
            <Stage key={at} stage={one} />
          ))}
        </ul>
      )}
    </li>
  )
}

function fact(name: string, value: string) {
  return (
    <span key={name}>
      <span class="quiet">{name}</span> {value}
    </span>
  )
}

function factsOf(stage: PlanStage): [name: string, value: string][] {
  const { took_us, returned, distances_computed, rescored, selectivity, true_matches, bytes_read } = stage
  const { asked_recall, expected_recall } = stage
  const facts: [string, string | undefined][] = [
    ['took', millis(took_us / MICROS)],
    ['returned', whole(returned)],
    ['distances', known(distances_computed)],
    ['rescored', known(rescored)],
    ['selectivity', typeof selectivity === 'number' ? percent(selectivity) : undefined],
    ['matches', known(true_matches)],
    ['recall asked', asked_recall === undefined ? undefined : percent(asked_recall)],
    ['expected recall', typeof expected_recall === 'number' ? percent(expected_recall) : undefined],
    ['read', bytes_read ? bytes(bytes_read) : undefined],
  ]
  return facts.filter((one): one is [string, string] => one[1] !== undefined)
}

function known(value: number | undefined): string | undefined {
  return value ? whole(value) : undefined
}

function Segments({ segments }: { segments: readonly PlanSegment[] }) {
  return (
    <details class="small">
      <summary>{segments.length} segments</summary>
      <ul>
        {segments.map(({ segment, points, strategy, codes, distances_computed, took_us }) => (
          <li key={segment}>
            {segment}: {whole(points)} points, {strategy}
            {codes ? `, ${codes}` : ''}, {whole(distances_computed ?? 0)} distances, {millis(took_us / MICROS)}
          </li>
        ))}
      </ul>
    </details>
  )
}
