/** A call's notes on its stages: times, and filters without their values. */
import { type CallNotes, type FilterShape, withNotes } from '../core/call-notes.js'
import { ID_WORDS } from '../core/point.js'
import type { QueryPlan } from '../core/query-plan.js'
import { searchTimes } from '../core/search-times.js'
import { workTimes } from '../core/work-times.js'
import type { FilterNode, MatchValues } from '../filter/node.js'
import type { PathStep } from '../filter/path.js'
import type { SearchResult } from '../native/addon.js'

/** Conditions of a filter that its shape has; the rest are counted. */
const MOST_CONDITIONS = 64
const LONGEST_KEY = 64
const US_PER_MS = 1000
/** The strategy of a search in a collection without points. */
const NOTHING_SEARCHED = 'none'

/** The plan, with notes beside it if the call has any. */
export function noted(
  plan: QueryPlan,
  notes: CallNotes | null,
  startMs: number,
  filters: readonly FilterNode[] = [],
  found?: SearchResult,
): QueryPlan {
  if (notes === null) return plan
  return withNotes(plan, {
    startMs,
    endMs: performance.now(),
    searchUs: found?.stats.tookUs ?? 0,
    rescoreUs: (found?.segments ?? []).map((report) => report.rescoreUs),
    filter: () => (filters.length === 0 ? null : shapeOf(conjunctionOf(filters))),
  })
}

/** A search that was not slow has no plan: making one takes a good part of its time. */
export function wantsPlan(notes: CallNotes | null, startMs: number): boolean {
  return notes !== null && (notes.isTraced || (performance.now() - startMs) * US_PER_MS >= notes.reportsFromUs)
}

function conjunctionOf(filters: readonly FilterNode[]): FilterNode {
  return filters.length === 1 ? (filters[0] as FilterNode) : { op: 'and', children: [...filters] }
}

/** Takes the named parts of a node alone, so that no value can get into a log. */
export function shapeOf(filter: FilterNode): FilterShape {
  let left = MOST_CONDITIONS
  const shape = (node: FilterNode): FilterShape => {
    left--
    const all = childrenOf(node)
    const children: FilterShape[] = []
    for (const child of all) if (left > 0) children.push(shape(child))
    const values = valuesOf(node)
    return {
      op: node.op,
      ...('path' in node ? { key: keyOf(node.path) } : {}),
      ...(values === null ? {} : { values }),
      ...(all.length === 0 ? {} : { conditions: children }),
      ...(children.length < all.length ? { values: all.length } : {}),
    }
  }
  return shape(filter)
}

function childrenOf(node: FilterNode): readonly FilterNode[] {
  if ('children' in node) return node.children
  return 'child' in node ? [node.child] : []
}

function valuesOf(node: FilterNode): number | null {
  if (node.op === 'match' || node.op === 'except') return countOf(node.values)
  if (node.op === 'hasId') return node.ids.length / ID_WORDS
  return node.op === 'startsWith' ? node.texts.length : null
}

function countOf({ texts, integers, booleans }: MatchValues): number {
  return texts.length + integers.length + booleans.length
}

function keyOf(path: readonly PathStep[]): string {
  const steps = path.map((step) => (step.kind === 'key' ? `.${step.key}` : step.kind === 'all' ? '[]' : '[n]'))
  return steps.join('').replace(/^\./, '').slice(0, LONGEST_KEY)
}

/** Counts a search of the kernel, and the time that it waited for a thread. */
export function noteSearch(
  name: string,
  result: SearchResult,
  startMs: number,
  strategy = result.stats.strategy,
): void {
  const { tookUs, distances, bytes } = result.stats
  const elapsedMs = performance.now() - startMs
  workTimes.note('search_wait', Math.max(0, elapsedMs - tookUs / US_PER_MS))
  const vectorBytes = result.vectors.reduce((sum, { data }) => sum + data.byteLength, bytes)
  const cost = { distances, vectorBytes, payloadBytes: result.payloads?.bytes.byteLength ?? 0 }
  searchTimes.note(name, strategy === '' ? NOTHING_SEARCHED : strategy, elapsedMs, cost)
}
