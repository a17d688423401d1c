/** Recall against time, measured through the API on the collection's own vectors. */
import { ask } from './session'
import type { Point, PointId, QueryAnswer } from './types'

const RECALLS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.999]
/** Neighbours of each query. */
export const K = 10

export interface Measured {
  /** The recall that queries asked for. */
  asked: number
  /** The mean share of the true neighbours found. */
  recall: number
  /** Half of the 95 % interval of that mean. */
  doubt: number
  p50Micros: number
  p99Micros: number
  distances: number
  /** Every query compared all vectors. */
  isScan: boolean
}

export interface Curve {
  points: Measured[]
  /** Of a scan of all vectors. */
  exactMicros: number
  queries: number
}

interface Parts {
  path: string
  using: string
  /** The recall of queries that ask for none: it is measured with the others. */
  byDefault: number
  queries: number
  signal: AbortSignal
  onProgress(done: number, of: number): void
}

/**
 * Stored points ask for their own neighbours, themselves left out: first by a scan, which is the truth, then at each
 * recall. One query is under way at a time, and its time is the service's own, without the way to the browser.
 */
export async function measureRecall({ path, using, byDefault, queries, signal, onProgress }: Parts): Promise<Curve> {
  const named = using === '' ? {} : { using }
  const query = (body: object) =>
    ask<QueryAnswer>('POST', `${path}/points/query`, { ...named, limit: K, explain: true, ...body }, signal)
  const sample = await query({ query: { sample: 'random' }, limit: queries, explain: false, filter: hasVector(using) })
  const ids = sample.points.map(({ id }) => id)
  const recalls = [...new Set([...RECALLS, byDefault])].sort((a, b) => a - b)
  const all = ids.length * (1 + recalls.length)
  let done = 0
  const each = async (params: object): Promise<QueryAnswer[]> => {
    const answers: QueryAnswer[] = []
    for (const id of ids) {
      answers.push(await query({ query: id, params }))
      onProgress(++done, all)
    }
    return answers
  }
  const exact = await each({ exact: true })
  const truth = exact.map(({ points }) => points)
  const points: Measured[] = []
  for (const asked of recalls) points.push(measured(asked, await each({ recall: asked }), truth))
  return { points, exactMicros: quantile(exact.map(micros), 0.5), queries: ids.length }
}

function hasVector(using: string): object {
  return { must: [{ has_vector: using }] }
}

function measured(asked: number, answers: readonly QueryAnswer[], truth: readonly Point[][]): Measured {
  const recalls = answers.map(({ points }, at) => recallOf(points, truth[at] ?? []))
  const recall = mean(recalls)
  const variance = mean(recalls.map((one) => (one - recall) ** 2))
  const times = answers.map(micros)
  return {
    asked,
    recall,
    doubt: 1.96 * Math.sqrt(variance / Math.max(1, recalls.length)),
    p50Micros: quantile(times, 0.5),
    p99Micros: quantile(times, 0.99),
    distances: mean(answers.map(({ explain }) => explain?.distances_computed ?? 0)),
    isScan: answers.length > 0 && answers.every(({ explain }) => /^scan\b/.test(explain?.strategy ?? '')),
  }
}

/** Of equal scores any one is right: a point as near as the last true one counts as found. */
function recallOf(found: readonly Point[], truth: readonly Point[]): number {
  if (truth.length === 0) return 1
  const ids = new Set<PointId>(truth.map(({ id }) => id))
  const last = truth.at(-1)?.score
  const right = found.filter(({ id, score }) => ids.has(id) || score === last).length
  return Math.min(right, truth.length) / truth.length
}

function micros({ explain }: QueryAnswer): number {
  return explain?.took_us ?? 0
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
}
