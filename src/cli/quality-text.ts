/** A quality report as lines for the terminal. */
import type { QualityReport, VectorQuality } from '../core/quality.js'
import { histogram, shareBar } from '../terminal/plots.js'

const MOST_TOLD = 5
const LABEL_CHARS = 22

export function reportLines(collection: string, report: QualityReport): string[] {
  const { time, tookMs, seed, points, vectors, modalities, skipped, rules } = report
  return [
    `${collection}: ${count(points)} points, ${time}, in ${(tookMs / 1000).toFixed(1)} s; seed ${seed}`,
    ...vectors.flatMap(vectorLines),
    ...modalities.flatMap(({ a, b, sampled, gap, medianRank, first }) => [
      '',
      `${a} and ${b}, ${count(sampled)} points with both`,
      line('gap of the centres', fixed(gap)),
      line('own pair is nearest', `${percent(first)} ${shareBar(first)} median place ${medianRank}`),
    ]),
    ...(skipped.length > 0 ? ['', ...skipped.map(({ name, why }) => `${name}: skipped, ${why}`)] : []),
    ...(rules.length > 0 ? ['', 'rows by rule'] : []),
    ...rules.map(({ day, rule, count: rows }) => line(day, `${rule}: ${count(rows)}`)),
  ]
}

function vectorLines(vector: VectorQuality): string[] {
  const { norms, constantDimensions, intrinsicDimension, notes } = vector
  const head = `${vector.name || 'the vector'}: ${count(vector.count)} of ${vector.size} dimensions, ${vector.distance}; ${count(vector.sampled)} looked at`
  const lines = ['', head]
  if (norms) {
    const scaled = norms.measured === 'scaled' ? ', scaled by Cosine' : ''
    const zero = norms.zero > 0 ? `, ${count(norms.zero)} are 0` : ''
    lines.push(
      line('lengths', `${fixed(norms.least)} ${histogram(norms.histogram)} ${fixed(norms.greatest)}${zero}${scaled}`),
    )
  }
  if (constantDimensions) {
    const { count: constant, dimensions } = constantDimensions
    const which =
      constant > 0 ? `: ${dimensions.slice(0, MOST_TOLD).join(', ')}${constant > MOST_TOLD ? ', …' : ''}` : ''
    lines.push(line('constant dimensions', `${count(constant)}${which}`))
  }
  if (intrinsicDimension) {
    const { value, standardError } = intrinsicDimension
    lines.push(line('intrinsic dimension', `${value.toFixed(1)} ± ${(2 * standardError).toFixed(1)}`))
  }
  return [...lines, ...neighbourLines(vector), ...driftLines(vector), ...notes.map((note) => `  note: ${note}`)]
}

function neighbourLines({ nearDuplicates, hubs }: VectorQuality): string[] {
  const lines: string[] = []
  if (nearDuplicates) {
    const { rate, threshold, groups } = nearDuplicates
    lines.push(line('near duplicates', `${percent(rate)} ${shareBar(rate)} score ${fixed(threshold)}`))
    for (const { size, ids } of groups.slice(0, MOST_TOLD)) lines.push(line('', `${size} points: ${ids.join(', ')}`))
  }
  if (hubs) {
    const first = hubs.hubs.slice(0, MOST_TOLD).map(({ id, count: lists }) => `${id} (${lists})`)
    lines.push(line('hubs', `skew ${hubs.skew.toFixed(2)}, in no list ${percent(hubs.antihubs)}; ${first.join(', ')}`))
  }
  return lines
}

function driftLines({ drift }: VectorQuality): string[] {
  if (!drift) return []
  const { drifted, pValue, auc, classifier, novelty, energy, norms } = drift
  const sides = `${count(drift.reference)} of the reference, ${count(drift.current)} others`
  const test = (name: string, { pValue: p, effect }: typeof energy) =>
    line(`  ${name}`, `p ${p.toFixed(3)}, effect ${fixed(effect)}`)
  return [
    line('drift', `${drifted ? 'YES' : 'no'}, p ${pValue.toFixed(3)}; ${sides}`),
    `${test('neighbours', classifier)}, AUC ${auc.toFixed(3)}`,
    test('novelty', novelty),
    test('energy distance', energy),
    ...(norms ? [test('lengths', norms)] : []),
  ]
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_CHARS)}${text}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function fixed(value: number): string {
  return Number(value.toPrecision(4)).toString()
}

function count(number: number): string {
  return number.toLocaleString('en')
}
