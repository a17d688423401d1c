import type { ReadableCollection } from '../../core/database.js'
import type { QueryGroupsOptions, QueryOptions, SearchMatrix } from '../../core/query.js'
import type { QueryPlan } from '../../core/query-plan.js'
import { storedId, textIdOf } from '../../core/text-ids.js'
import { respelled, snakeCase } from '../../core/vocabulary/spelling.js'
import {
  type Asked,
  askedOf,
  FacetRequest,
  QueryBatchRequest,
  QueryGroupsRequest,
  QueryRequest,
  SearchMatrixRequest,
} from '../../wire/read-bodies.js'
import type { ReadCall, ReadRoute } from '../call.js'
import { MeasuredResult } from '../respond.js'
import { reads } from './kinds.js'
import { wireGroups, wirePoints } from './wire-points.js'

const COLLECTION = '/collections/:name'
const QUERY = `${COLLECTION}/points/query`

export const queryRoutes: ReadRoute[] = [
  reads(QUERY, 'The best points of a query.', QueryRequest, (collection, asked, call) =>
    answerQuery(collection, asked, call, LATER),
  ),
  reads(`${QUERY}/batch`, 'Several queries.', QueryBatchRequest, (collection, { searches }, call) =>
    answerBatch(collection, searches, call, LATER),
  ),
  reads(`${QUERY}/groups`, 'The best points of each group.', QueryGroupsRequest, answerGroups),
  reads(`${COLLECTION}/facet`, 'Points by value of a field.', FacetRequest, async (collection, options, call) => ({
    hits: await collection.facet({ ...options, ...call.options() }),
  })),
  matrix('pairs', 'Distances between points chosen at random, as pairs.', ({ pairs }) => ({
    pairs: pairs.map(({ a, b, score }) => ({ a: storedId(a), b: storedId(b), score })),
  })),
  matrix('offsets', 'Distances between points chosen at random, as a sparse matrix.', ({ ids, pairs }) => {
    const offsets = new Map(ids.map((id, at) => [id, at]))
    return {
      offsets_row: pairs.map(({ a }) => offsets.get(a)),
      offsets_col: pairs.map(({ b }) => offsets.get(b)),
      scores: Float32Array.from(pairs, ({ score }) => score),
      ids: ids.map(storedId),
      ...(ids.some((id) => textIdOf(id) !== null) ? { text_ids: ids.map(textIdOf) } : {}),
    }
  }),
]

/** How a path tells the points of a query, and the plan of an explained one. */
export interface Form {
  result(points: object[], plan: object | null): object
  /** The plan stands beside the result. */
  isBeside?: boolean
}
const LATER: Form = { result: (points, plan) => (plan === null ? { points } : { points, explain: plan }) }

export async function answerQuery(
  collection: ReadableCollection,
  asked: Asked<QueryOptions>,
  call: ReadCall,
  form: Form,
): Promise<unknown> {
  const options = Object.assign(askedOf(asked), call.options())
  if (!asked.explain) return form.result(wirePoints(await collection.query(options)), null)
  const { hits, plan } = await collection.explain(options)
  const told = wirePlan(plan)
  return new MeasuredResult(form.result(wirePoints(hits), told), wireUsage([plan]), form.isBeside ? told : undefined)
}

/** Runs the whole batch at once, even if only some of its queries are explained. */
export async function answerBatch(
  collection: ReadableCollection,
  asked: readonly Asked<QueryOptions>[],
  call: ReadCall,
  form: Form,
): Promise<unknown> {
  const queries: QueryOptions[] = asked.map((one) => askedOf(one))
  if (!asked.some(({ explain }) => explain)) {
    const answers = await collection.queryBatch<readonly QueryOptions[]>(queries, call.options())
    return answers.map((hits) => form.result(wirePoints(hits), null))
  }
  const answers = await collection.explainBatch(queries, call.options())
  const plans = answers.map(({ plan }, i) => (asked[i]?.explain ? plan : null))
  const told = plans.map((plan) => plan && wirePlan(plan))
  const results = answers.map(({ hits }, i) => form.result(wirePoints(hits), told[i] ?? null))
  return new MeasuredResult(results, wireUsage(plans.flatMap((plan) => plan ?? [])), form.isBeside ? told : undefined)
}

/** Also answers the older paths. */
export async function answerGroups(
  collection: ReadableCollection,
  asked: Asked<QueryGroupsOptions>,
  call: ReadCall,
): Promise<unknown> {
  const options = { ...askedOf(asked), ...call.options() }
  if (!asked.explain) return wireGroups(await collection.queryGroups(options))
  const { groups, plan } = await collection.explainGroups(options)
  return new MeasuredResult({ ...wireGroups(groups), explain: wirePlan(plan) }, wireUsage([plan]))
}

function matrix(form: string, summary: string, resultOf: (found: SearchMatrix) => object): ReadRoute {
  const path = `${COLLECTION}/points/search/matrix/${form}`
  return reads(path, summary, SearchMatrixRequest, async (collection, asked, call) => {
    const options = { ...asked, ...call.options() }
    if (!asked.explain) return resultOf(await collection.searchMatrix(options))
    const { plan, ...found } = await collection.explainMatrix(options)
    return new MeasuredResult({ ...resultOf(found), explain: wirePlan(plan) }, wireUsage([plan]))
  })
}

/** A query's plan with the names of the wire: a tree, like the query. */
function wirePlan(plan: QueryPlan): object {
  return respelled(plan, snakeCase) as object
}

/**
 * The cost of answering, over all stages, with the names of Qdrant's hardware report. `cpu` is the number of distances.
 */
function wireUsage(plans: readonly QueryPlan[]): object {
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
