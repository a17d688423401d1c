/** Reports and rules over time. */
import { useMemo } from 'preact/hooks'
import { Section, Status, Table } from '../../parts/basics'
import { type Line, Plot } from '../../parts/plot'
import { short, whole } from '../../parts/words'
import type { QualityReport, RuleDay, VectorQuality } from '../../service/quality'

type Drifted = NonNullable<VectorQuality['drift']>

/** A vector's comparisons with the reference, the oldest first. */
interface Course {
  name: string
  points: { time: string; drift: Drifted }[]
}

/** Of the kept reports that compared with a reference. */
export function Drift({ reports }: { reports: readonly QualityReport[] }) {
  const courses = useMemo(() => coursesOf(reports), [reports])
  if (courses.length === 0) return null
  const rows = courses
    .flatMap(({ name, points }) => points.map((point) => ({ name, ...point })))
    .sort((a, b) => (a.time < b.time ? 1 : -1))
  return (
    <Section title="Drift from the reference">
      <div class="plots">
        {courses.map((course) => (
          <DriftPlot key={course.name} course={course} />
        ))}
      </div>
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

function coursesOf(reports: readonly QualityReport[]): Course[] {
  const courses = new Map<string, Course>()
  for (const { time, vectors } of reports) {
    for (const { name, drift } of vectors) {
      if (!drift) continue
      const course = courses.get(name) ?? { name, points: [] }
      course.points.push({ time, drift })
      courses.set(name, course)
    }
  }
  return [...courses.values()]
}

function DriftPlot({ course: { name, points } }: { course: Course }) {
  const times = useMemo(() => points.map(({ time }) => Date.parse(time) / 1000), [points])
  const lines = useMemo(
    () => [
      lineOf('AUC', '--first', points, ({ auc }) => auc),
      lineOf('energy', '--second', points, ({ energy }) => energy.effect),
    ],
    [points],
  )
  return (
    <Plot
      title={`Drift of ${name || 'the vector'}: an AUC of 0.5 is none`}
      measure="AUC, energy"
      times={times}
      lines={lines}
    />
  )
}

function lineOf(name: string, colour: string, points: Course['points'], of: (drift: Drifted) => number): Line {
  return { name, colour, values: points.map(({ drift }) => of(drift)), text: short }
}

const KINDS = [
  ['rejected', 'refused', '--bad'],
  ['quarantined', 'in quarantine', '--second'],
  ['fixed', 'mended', '--third'],
  ['flagged', 'flagged', '--first'],
] as const

/** Counts of the rules by day. */
export function Rules({ counts }: { counts: readonly RuleDay[] }) {
  const times = useMemo(() => counts.map(({ day }) => Date.parse(day) / 1000), [counts])
  const lines = useMemo(
    () => KINDS.map(([key, name, colour]) => ({ name, colour, values: counts.map((day) => day[key]), text: whole })),
    [counts],
  )
  if (counts.length === 0) return null
  return (
    <Section title="What the rules did">
      <Plot title="Rows by day that rules did not take as they came" measure="Rows a day" times={times} lines={lines} />
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
              <td>{whole(accepted)}</td>
              <td>{whole(rejected)}</td>
              <td>{whole(quarantined)}</td>
              <td>{whole(fixed)}</td>
              <td>{whole(flagged)}</td>
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
