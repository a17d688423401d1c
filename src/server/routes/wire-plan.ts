import type { QueryPlan, SegmentPlan } from '../../core/query-plan.js'

/** A query's plan with the names of the wire: a tree, like the query. */
export function wirePlan(plan: QueryPlan): object {
  const { stage, returned, rowBytes, prefetch, segments, openedInUs } = plan
  return {
    stage,
    ...(openedInUs === undefined ? {} : { opened_in_us: openedInUs }),
    returned,
    row_bytes: rowBytes,
    ...wireFindings(plan),
    prefetch: prefetch.map(wirePlan),
    segments: segments.map(wireSegment),
  }
}

function wireSegment(plan: SegmentPlan): object {
  const { segment, points, codes, effort } = plan
  return { segment, points, codes, effort, ...wireFindings(plan) }
}

/** Findings of a whole query or of one segment. */
function wireFindings(plan: QueryPlan | SegmentPlan): object {
  return {
    strategy: plan.strategy,
    why: plan.why,
    expected_recall: plan.expectedRecall,
    estimated_matches: plan.estimatedMatches,
    selectivity: plan.selectivity,
    true_matches: plan.trueMatches,
    true_selectivity: plan.trueSelectivity,
    vertices_visited: plan.verticesVisited,
    distances_computed: plan.distancesComputed,
    rescored: plan.rescored,
    bytes_read: plan.bytesRead,
    payload_bytes_read: plan.payloadBytesRead,
    took_us: plan.tookUs,
  }
}

/**
 * The cost of answering, over all stages, with the names of Qdrant's hardware report. `cpu` is the number of distances.
 */
export function wireUsage(plans: readonly QueryPlan[]): object {
  const total = (of: (plan: QueryPlan) => number): number => {
    const sum = (list: readonly QueryPlan[]): number =>
      list.reduce((all, plan) => all + of(plan) + sum(plan.prefetch), 0)
    return sum(plans)
  }
  return {
    hardware: {
      cpu: total((plan) => plan.distancesComputed),
      payload_io_read: total((plan) => plan.payloadBytesRead + plan.rowBytes.payload),
      payload_io_write: 0,
      payload_index_io_read: 0,
      payload_index_io_write: 0,
      vector_io_read: total((plan) => plan.bytesRead + plan.rowBytes.vectors),
      vector_io_write: 0,
    },
  }
}
