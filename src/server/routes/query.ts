import type { Collection, QueryOptions } from '../../core/database.js'
import type { QueryPlan, SegmentPlan } from '../../core/query-plan.js'
import { explainOf, queriesOf, queryOf } from '../../ingest/wire-query.js'
import type { Call, Route } from '../call.js'

const QUERY = '/collections/:name/points/query'

export const queryRoutes: Route[] = [
  { method: 'POST', path: QUERY, access: 'read', work: 'read', run: query },
  { method: 'POST', path: `${QUERY}/batch`, access: 'read', work: 'read', run: queryBatch },
]

async function query(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const options = Object.assign(queryOf(call.optionalBody), call.options())
  if (explainOf(call.optionalBody)) return await explained(collection, options)
  return { points: await collection.query(options) }
}

async function queryBatch(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const asked = queriesOf(call.body)
  if (asked.some(({ explain }) => explain)) {
    const answers = asked.map(async ({ query, explain }) => {
      const options = Object.assign(query, call.options())
      return explain ? await explained(collection, options) : { points: await collection.query(options) }
    })
    return await Promise.all(answers)
  }
  const answers = await collection.queryBatch(
    asked.map((one) => one.query),
    call.options(),
  )
  return answers.map((points) => ({ points }))
}

async function explained(collection: Collection, options: QueryOptions): Promise<unknown> {
  const { hits, plan } = await collection.explain(options)
  return { points: hits, explain: wirePlan(plan) }
}

function wirePlan(plan: QueryPlan): object {
  return { ...wireFindings(plan), segments: plan.segments.map(wireSegment) }
}

function wireSegment(plan: SegmentPlan): object {
  const { segment, points, codes, effort } = plan
  return { segment, points, codes, effort, ...wireFindings(plan) }
}

/** What is told of a whole query and of each segment. */
function wireFindings(plan: QueryPlan | SegmentPlan): object {
  return {
    strategy: plan.strategy,
    why: plan.why,
    expected_recall: plan.expectedRecall,
    estimated_matches: plan.estimatedMatches,
    selectivity: plan.selectivity,
    vertices_visited: plan.verticesVisited,
    distances_computed: plan.distancesComputed,
    rescored: plan.rescored,
    bytes_read: plan.bytesRead,
    took_us: plan.tookUs,
  }
}
