/** Turns the kernel's report of a search into words and shares. */
import type { QueryPlan, SegmentPlan, StageKind } from '../core/query-plan.js'
import type { RowBlock, SearchResult, SegmentReport } from '../native/addon.js'

const RECALL_PLACES = 5
/** Ending of strategies that use the graph of one keyword (native/search/value_search.hpp). */
const OF_VALUE = ' of value'
const WITHOUT_SEARCH: Partial<Record<StageKind, { strategy: string; why: string }>> = {
  ids: { strategy: 'points in the order of their ids', why: 'the query has no target' },
  order_by: { strategy: 'points in the order of a payload field', why: 'its index has them in that order' },
  sample: { strategy: 'points chosen at random', why: 'the query asks for a sample' },
  rrf: { strategy: 'one ranking of several, by places', why: 'places can be compared where scores cannot' },
  dbsf: { strategy: 'one ranking of several, by scores', why: 'scores are scaled by their distribution' },
  formula: { strategy: 'a formula over scores and payloads', why: 'the query asks for one' },
  groups: { strategy: 'the best points of each group, searched for in rounds', why: 'the query asks for groups' },
  matrix: {
    strategy: 'an exact search from each point of a sample among the others',
    why: 'the query asks for a matrix',
  },
  mmr: { strategy: 'points near the query that differ from each other', why: 'the query asks for diversity' },
}
const REASONS: Record<string, string> = {
  exact: 'an exact search was asked for',
  all: 'recall 1 was asked for',
  'no graph': 'the vector has no graph, as its configuration says (m of 0)',
  empty: 'no vector is in the graph yet',
  recall: 'a walk through the graph cannot promise the recall asked for',
  examples: 'a walk cannot find the best points by this score of several examples',
  few: 'so few points match that comparing all of them costs less than planning',
  'too few': 'a walk led to too few points',
  'costs less': 'a scan costs less than a walk through the graph',
}

/** The kind of a stage and its result. */
export interface StageFacts {
  stage: StageKind
  returned: number
  prefetch: QueryPlan[]
  rowBytes: { payload: number; vectors: number }
  tookUs: number
}

/** The kind of a search. For sparse vectors the counts are postings read, not distances computed. */
export interface Searched {
  isFiltered: boolean
  isSparse: boolean
  /** The matches were counted after the search. */
  isCounted: boolean
  askedRecall?: number | undefined
}

/** The plan of a stage that searches no segment; its kind gives the text. */
export function planWithoutSearch(facts: StageFacts): QueryPlan {
  const { strategy, why } = WITHOUT_SEARCH[facts.stage] ?? { strategy: 'the points of the prefetches', why: '' }
  return {
    ...facts,
    ...sumsOf([]),
    strategy,
    why,
    expectedRecall: 1,
    estimatedMatches: null,
    selectivity: null,
    trueMatches: null,
    trueSelectivity: null,
    segments: [],
  }
}

export function withMatches(plan: QueryPlan, matches: number, points: number): QueryPlan {
  return { ...plan, trueMatches: matches, trueSelectivity: shareOf(matches, points) }
}

export function planOf(result: SearchResult, searched: Searched, facts: StageFacts): QueryPlan {
  const { segments: reports = [], stats } = result
  const { isFiltered, askedRecall } = searched
  const isCounted = isFiltered && searched.isCounted
  const segments = reports.map((report) => segmentPlan(report, searched))
  const recalls = segments.map((segment) => segment.expectedRecall)
  const total = (of: (segment: SegmentPlan) => number | null) =>
    segments.reduce((sum, segment) => sum + (of(segment) ?? 0), 0)
  const estimated = total((segment) => segment.estimatedMatches)
  const counted = total((segment) => segment.trueMatches)
  const points = total((segment) => segment.points)
  return {
    ...facts,
    ...(askedRecall === undefined ? {} : { askedRecall }),
    strategy: distinct(segments.map(({ strategy }) => strategy)) || stats.strategy || 'nothing to search',
    why: distinct(segments.map(({ why }) => why)) || 'the collection is empty',
    expectedRecall: recalls.every((recall) => recall !== null) ? Math.min(1, ...recalls) : null,
    estimatedMatches: isFiltered ? estimated : null,
    selectivity: isFiltered ? shareOf(estimated, points) : null,
    // If no segment was searched, no match was counted.
    trueMatches: isCounted && segments.length > 0 ? counted : null,
    trueSelectivity: isCounted && segments.length > 0 ? shareOf(counted, points) : null,
    ...sumsOf(segments),
    segments,
  }
}

function segmentPlan(report: SegmentReport, searched: Searched): SegmentPlan {
  const { isFiltered } = searched
  const isCounted = isFiltered && searched.isCounted
  const { segment, points, strategy, codes, width, reach, recall, visited, distances, rescored, bytes } = report
  const isWalk = width > 0
  return {
    segment,
    points,
    strategy,
    why: whyOf(report, searched),
    codes,
    effort: isWalk ? { width, reach: reach > 0 ? reach : null, distances: Math.round(report.plannedDistances) } : null,
    // The kernel's floats are rounded to their precision.
    expectedRecall: recall > 0 ? Number(recall.toFixed(RECALL_PLACES)) : null,
    estimatedMatches: isFiltered ? report.matches : null,
    selectivity: isFiltered ? shareOf(report.matches, points) : null,
    trueMatches: isCounted ? report.trueMatches : null,
    trueSelectivity: isCounted ? shareOf(report.trueMatches, points) : null,
    verticesVisited: visited,
    distancesComputed: distances,
    rescored,
    bytesRead: bytes,
    payloadBytesRead: report.payloadBytes,
    tookUs: report.tookUs,
  }
}

function whyOf(report: SegmentReport, { isFiltered, isSparse }: Searched): string {
  const { strategy, whyNoWalk, plannedDistances, linked, tail, matches, walkCost, scanCost } = report
  if (strategy === 'nothing matches') return 'no point of the segment passes the filter'
  if (isSparse) return whyPostings(report, isFiltered)
  if (whyNoWalk !== '') return REASONS[whyNoWalk] ?? whyNoWalk
  // Examples can exclude points too, so a search without a filter may have a scan cost.
  if (!isFiltered && scanCost === 0) {
    // Of a width that was asked for, nothing was measured: the planned distances are a rule for comparing costs.
    const walk =
      report.recall > 0
        ? `a walk is expected to compute about ${count(plannedDistances)} distances, of ${count(linked)} vectors`
        : `a walk of the fixed width ${count(report.width)} (\`hnsw_ef\`, or the limit where that is more), among ${count(linked)} vectors`
    return tail > 0 ? `${walk}; ${count(tail)} vectors that are not in the graph yet are scanned` : walk
  }
  if (strategy.endsWith(OF_VALUE) && scanCost === 0) {
    const walk = `the points with the value have a graph of their own, of ${count(linked)} vectors: a walk is expected to compute about ${count(plannedDistances)} distances`
    if (strategy.includes('then scan')) return `${walk}; the query is far from all of them`
    return tail > 0 ? `${walk}; ${count(tail)} vectors that are not in it yet are scanned` : walk
  }
  const costs = `a walk that finds enough of them costs ${cost(walkCost, 'distances')}, a scan of them ${cost(scanCost, 'distances')}`
  const compared = `about ${count(matches)} points match: ${costs}`
  if (!strategy.includes('then scan')) return compared
  const orFar = strategy.endsWith(OF_VALUE) ? ', or ended far from the query' : ''
  return `${compared}; the walk cost more than that${orFar}`
}

/** In reports of sparse vectors, postings take the place of distances. */
function whyPostings(report: SegmentReport, isFiltered: boolean): string {
  const { strategy, plannedDistances: postings, tail, matches, walkCost, scanCost } = report
  if (strategy === 'scan') return 'no vector is in the postings yet'
  if (isFiltered) {
    const costs = `reading the query's postings costs ${cost(walkCost, 'postings')}, a scan of the matches ${cost(scanCost, 'postings')}`
    return `about ${count(matches)} points match: ${costs}`
  }
  const read = `about ${count(postings)} postings of the query's indices are expected to be read`
  return tail > 0 ? `${read}; ${count(tail)} vectors that are not in the postings yet are scanned` : read
}

function cost(units: number, unit: 'distances' | 'postings'): string {
  return Number.isFinite(units) ? `about ${count(units)} ${unit}` : 'more than can be estimated'
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en')
}

function shareOf(part: number, all: number): number {
  return all === 0 ? 0 : Math.min(1, part / all)
}

function distinct(texts: readonly string[]): string {
  return [...new Set(texts)].join('; ')
}

function sumsOf(segments: readonly SegmentPlan[]) {
  const sum = (of: (segment: SegmentPlan) => number) => segments.reduce((total, segment) => total + of(segment), 0)
  return {
    verticesVisited: sum((segment) => segment.verticesVisited),
    distancesComputed: sum((segment) => segment.distancesComputed),
    rescored: sum((segment) => segment.rescored),
    bytesRead: sum((segment) => segment.bytesRead),
    payloadBytesRead: sum((segment) => segment.payloadBytesRead),
  }
}

/** Bytes of payloads and vectors read row by row, for an answer or for scoring it. */
export class BytesRead {
  payload = 0
  vectors = 0

  static of(block: RowBlock): BytesRead {
    const read = new BytesRead()
    read.add(block)
    return read
  }

  add({ payloads, vectors }: RowBlock): void {
    this.payload += payloads?.bytes.byteLength ?? 0
    for (const { data, sparse } of vectors) this.vectors += data.byteLength + (sparse?.indices.byteLength ?? 0)
  }
}
