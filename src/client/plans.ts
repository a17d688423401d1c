/** How the service says it has found an answer, as a QueryPlan. */

import type { QueryPlan, SearchEffort, SegmentPlan, StageKind } from '../core/query-plan.js'
import type { Quantization } from '../core/schema.js'

interface WireFindings {
  strategy: string
  why: string
  expected_recall: number | null
  estimated_matches: number | null
  selectivity: number | null
  true_matches: number | null
  true_selectivity: number | null
  vertices_visited: number
  distances_computed: number
  rescored: number
  bytes_read: number
  payload_bytes_read: number
  took_us: number
}

interface WireSegment extends WireFindings {
  segment: number
  points: number
  codes: Quantization
  effort: SearchEffort | null
}

interface WirePlan extends WireFindings {
  stage: StageKind
  opened_in_us?: number
  returned: number
  row_bytes: QueryPlan['rowBytes']
  prefetch: WirePlan[]
  segments: WireSegment[]
}

export function planOf(result: unknown): QueryPlan {
  return stageOf((result as { explain: WirePlan }).explain)
}

function stageOf(wire: WirePlan): QueryPlan {
  const { stage, returned, row_bytes: rowBytes, prefetch, segments, opened_in_us: openedInUs } = wire
  return {
    stage,
    ...(openedInUs === undefined ? {} : { openedInUs }),
    returned,
    rowBytes,
    ...findingsOf(wire),
    prefetch: prefetch.map(stageOf),
    segments: segments.map(segmentOf),
  }
}

function segmentOf(wire: WireSegment): SegmentPlan {
  const { segment, points, codes, effort } = wire
  return { segment, points, codes, effort, ...findingsOf(wire) }
}

function findingsOf(wire: WireFindings) {
  return {
    strategy: wire.strategy,
    why: wire.why,
    expectedRecall: wire.expected_recall,
    estimatedMatches: wire.estimated_matches,
    selectivity: wire.selectivity,
    trueMatches: wire.true_matches,
    trueSelectivity: wire.true_selectivity,
    verticesVisited: wire.vertices_visited,
    distancesComputed: wire.distances_computed,
    rescored: wire.rescored,
    bytesRead: wire.bytes_read,
    payloadBytesRead: wire.payload_bytes_read,
    tookUs: wire.took_us,
  }
}
