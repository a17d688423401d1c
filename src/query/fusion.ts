/** Fuses several rankings into one: by the places of points in each, or by their scores. */
import type { Hit } from '../core/database.js'
import type { PointId } from '../core/point.js'
import { STEP, type Steps, sorted } from './turns.js'

const DEVIATIONS = 3
const MIDDLE = 0.5

/**
 * Reciprocal rank fusion. A weight stretches or compresses places: with weight 3 the third place counts as the first.
 * Sums are in single precision, like scores.
 */
export function fuseRanks(sources: readonly Hit[][], k: number, weights: readonly number[] | null): Steps<Hit[]> {
  return fused(sources, (_hit, place, source) => {
    const weight = weights ? (weights[source] as number) : 1
    return weight > 0 ? Math.fround(1 / Math.fround(Math.fround((place + 1) / weight) + k - 1)) : 0
  })
}

/** Distribution-based score fusion: scores are scaled to the range of three deviations around their source's mean. */
export function* fuseScores(sources: readonly Hit[][]): Steps<Hit[]> {
  const spans: (Span | null)[] = []
  for (const hits of sources) spans.push(yield* spanOf(hits))
  return yield* fused(sources, ({ score }, _place, source) => {
    const span = spans[source]
    if (!span || span.low === span.high) return MIDDLE
    return Math.fround(Math.fround(score - span.low) / Math.fround(span.high - span.low))
  })
}

function* fused(sources: readonly Hit[][], share: (hit: Hit, place: number, source: number) => number): Steps<Hit[]> {
  const byId = new Map<PointId, Hit>()
  for (const [source, hits] of sources.entries()) {
    for (const [place, hit] of hits.entries()) {
      const score = share(hit, place, source)
      const known = byId.get(hit.id)
      if (known) known.score = Math.fround(known.score + score)
      else byId.set(hit.id, { id: hit.id, version: hit.version, score })
      if (place % STEP === 0) yield
    }
  }
  return yield* sorted([...byId.values()], (a, b) => b.score - a.score)
}

interface Span {
  low: number
  high: number
}

/** Range by Welford's method in single precision; null for fewer than two scores. */
function* spanOf(hits: readonly Hit[]): Steps<Span | null> {
  if (hits.length < 2) return null
  let mean = 0
  let squares = 0
  for (const [i, { score }] of hits.entries()) {
    const before = Math.fround(score - mean)
    mean = Math.fround(mean + Math.fround(before / (i + 1)))
    squares = Math.fround(squares + Math.fround(before * Math.fround(score - mean)))
    if (i % STEP === 0) yield
  }
  const deviation = Math.fround(Math.sqrt(Math.fround(squares / (hits.length - 1))))
  return { low: Math.fround(mean - DEVIATIONS * deviation), high: Math.fround(mean + DEVIATIONS * deviation) }
}
