import type { QueryPlan } from '../../core/query-plan.js'
import { respelled, snakeCase } from '../../core/vocabulary/spelling.js'

/** A query's plan with the names of the wire: a tree, like the query. */
export function wirePlan(plan: QueryPlan): object {
  return respelled(plan, snakeCase) as object
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
