/** Spans of a query: its stages, the segments that each searched, and their rescoring. */
import { type Attributes, type Context, type Tracer, trace } from '@opentelemetry/api'
import { notesOf } from '../core/call-notes.js'
import type { QueryPlan } from '../core/query-plan.js'
import type { RequestNoted } from '../core/tracing.js'

const US_PER_MS = 1000

/** Milliseconds since 1970 of a time of `performance.now()`. */
export function timeOf(ms: number): number {
  return performance.timeOrigin + ms
}

/** Spans of the parts that a call noted, and of its queries. */
export function addNoted(
  tracer: Tracer,
  within: Context,
  { spans, plans }: Pick<RequestNoted, 'spans' | 'plans'>,
): void {
  for (const { name, startMs, endMs, facts: attributes } of spans) {
    const options = { startTime: timeOf(startMs), ...(attributes ? { attributes } : {}) }
    tracer.startSpan(name, options, within).end(timeOf(endMs))
  }
  for (const { plan, collection } of plans) addStage(tracer, within, plan as QueryPlan, collection)
}

/** A stage without times, such as the sample of a matrix, is left out, and its parts are those of its parent. */
function addStage(tracer: Tracer, within: Context, plan: QueryPlan, collection: string): void {
  const notes = notesOf(plan)
  let below = within
  if (notes) {
    const filter = notes.filter()
    const attributes = {
      'vicinal.collection': collection,
      'vicinal.stage': plan.stage,
      'vicinal.returned': plan.returned,
      ...costsOf(plan),
      ...(filter === null ? {} : { 'vicinal.filter': JSON.stringify(filter) }),
    }
    const span = tracer.startSpan(`stage ${plan.stage}`, { startTime: timeOf(notes.startMs), attributes }, within)
    below = trace.setSpan(within, span)
    addSegments(tracer, below, plan, notes.endMs - notes.searchUs / US_PER_MS, notes.rescoreUs)
    span.end(timeOf(notes.endMs))
  }
  for (const prefetch of plan.prefetch) addStage(tracer, below, prefetch, collection)
}

/** The kernel searches one segment after the other, and rescores at the end of each. */
function addSegments(
  tracer: Tracer,
  within: Context,
  { segments }: QueryPlan,
  fromMs: number,
  rescoreUs: readonly number[],
): void {
  let startMs = fromMs
  for (const [at, segment] of segments.entries()) {
    const endMs = startMs + segment.tookUs / US_PER_MS
    const attributes = { 'vicinal.segment': segment.segment, 'vicinal.codes': segment.codes, ...costsOf(segment) }
    const span = tracer.startSpan('segment', { startTime: timeOf(startMs), attributes }, within)
    if (segment.rescored > 0) {
      const options = {
        startTime: timeOf(endMs - (rescoreUs[at] ?? 0) / US_PER_MS),
        attributes: { 'vicinal.rescored': segment.rescored },
      }
      tracer.startSpan('rescoring', options, trace.setSpan(within, span)).end(timeOf(endMs))
    }
    span.end(timeOf(endMs))
    startMs = endMs
  }
}

function costsOf(part: Pick<QueryPlan, 'strategy' | 'distancesComputed' | 'bytesRead' | 'expectedRecall'>): Attributes {
  return {
    'vicinal.strategy': part.strategy,
    'vicinal.distances': part.distancesComputed,
    'vicinal.bytes_read': part.bytesRead,
    ...(part.expectedRecall === null ? {} : { 'vicinal.expected_recall': part.expectedRecall }),
  }
}
