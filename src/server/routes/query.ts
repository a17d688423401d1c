import type { QueryGroupsOptions, QueryOptions, SearchMatrix } from '../../core/query.js'
import { storedId, textIdOf } from '../../core/text-ids.js'
import {
  type Asked,
  FacetRequest,
  facetOf,
  matrixOf,
  QueryBatchRequest,
  QueryGroupsRequest,
  QueryRequest,
  queriesOf,
  queryGroupsOf,
  queryOf,
  SearchMatrixRequest,
} from '../../wire/read-bodies.js'
import type { ReadCall, ReadRoute } from '../call.js'
import { MeasuredResult } from '../respond.js'
import { wirePlan, wireUsage } from './wire-plan.js'
import { wireGroups, wirePoints } from './wire-points.js'

const COLLECTION = '/collections/:name'
const QUERY = `${COLLECTION}/points/query`
const MATRIX = `${COLLECTION}/points/search/matrix`

const READS = { method: 'POST', access: 'read', work: 'read' } as const

export const queryRoutes: ReadRoute[] = [
  { ...READS, path: QUERY, summary: 'The best points of a query.', body: QueryRequest, run: query },
  { ...READS, path: `${QUERY}/batch`, summary: 'Several queries.', body: QueryBatchRequest, run: queryBatch },
  {
    ...READS,
    path: `${QUERY}/groups`,
    summary: 'The best points of each group.',
    body: QueryGroupsRequest,
    run: groups,
  },
  {
    ...READS,
    path: `${COLLECTION}/facet`,
    summary: 'The number of points with each value of a field.',
    body: FacetRequest,
    run: facet,
  },
  {
    ...READS,
    path: `${MATRIX}/pairs`,
    summary: 'Distances between points chosen at random, as pairs.',
    body: SearchMatrixRequest,
    run: matrixPairs,
  },
  {
    ...READS,
    path: `${MATRIX}/offsets`,
    summary: 'Distances between points chosen at random, as a sparse matrix.',
    body: SearchMatrixRequest,
    run: matrixOffsets,
  },
]

async function query(call: ReadCall): Promise<unknown> {
  return await answerQuery(call, queryOf(call.anyBody), LATER)
}

async function queryBatch(call: ReadCall): Promise<unknown> {
  return await answerBatch(call, queriesOf(call.anyBody), LATER)
}

/** How a path tells the points of a query, and the plan of an explained one. */
export interface Form {
  result(points: object[], plan: object | null): object
  /** The plan stands beside the result. */
  isBeside?: boolean
}
const LATER: Form = { result: (points, plan) => (plan === null ? { points } : { points, explain: plan }) }

export async function answerQuery(call: ReadCall, { options: asked, explain }: Asked<QueryOptions>, form: Form) {
  const collection = await call.reads()
  const options = Object.assign(asked, call.options())
  if (!explain) return form.result(wirePoints(await collection.query(options)), null)
  const { hits, plan } = await collection.explain(options)
  const told = wirePlan(plan)
  return new MeasuredResult(form.result(wirePoints(hits), told), wireUsage([plan]), form.isBeside ? told : undefined)
}

/** Runs the whole batch at once, even if only some of its queries are explained. */
export async function answerBatch(call: ReadCall, asked: Asked<QueryOptions>[], form: Form) {
  const collection = await call.reads()
  const queries = asked.map(({ options }) => options)
  if (!asked.some(({ explain }) => explain)) {
    const answers = await collection.queryBatch(queries, call.options())
    return answers.map((hits) => form.result(wirePoints(hits), null))
  }
  const answers = await collection.explainBatch(queries, call.options())
  const plans = answers.map(({ plan }, i) => (asked[i]?.explain ? plan : null))
  const told = plans.map((plan) => plan && wirePlan(plan))
  const results = answers.map(({ hits }, i) => form.result(wirePoints(hits), told[i] ?? null))
  return new MeasuredResult(results, wireUsage(plans.flatMap((plan) => plan ?? [])), form.isBeside ? told : undefined)
}

async function groups(call: ReadCall): Promise<unknown> {
  return await answerGroups(call, queryGroupsOf(call.anyBody))
}

/** Also answers the older paths. */
export async function answerGroups(call: ReadCall, asked: Asked<QueryGroupsOptions>): Promise<unknown> {
  const collection = await call.reads()
  const options = { ...asked.options, ...call.options() }
  if (!asked.explain) return wireGroups(await collection.queryGroups(options))
  const { groups, plan } = await collection.explainGroups(options)
  return new MeasuredResult({ ...wireGroups(groups), explain: wirePlan(plan) }, wireUsage([plan]))
}

async function facet(call: ReadCall): Promise<unknown> {
  const options = facetOf(call.anyBody)
  const collection = await call.reads()
  return { hits: await collection.facet({ ...options, ...call.options() }) }
}

async function matrixPairs(call: ReadCall): Promise<unknown> {
  return await matrix(call, ({ pairs }) => ({
    pairs: pairs.map(({ a, b, score }) => ({ a: storedId(a), b: storedId(b), score })),
  }))
}

async function matrixOffsets(call: ReadCall): Promise<unknown> {
  return await matrix(call, offsetsOf)
}

async function matrix(call: ReadCall, resultOf: (found: SearchMatrix) => object): Promise<unknown> {
  const { options: asked, explain } = matrixOf(call.anyBody)
  const collection = await call.reads()
  const options = { ...asked, ...call.options() }
  if (!explain) return resultOf(await collection.searchMatrix(options))
  const { plan, ...found } = await collection.explainMatrix(options)
  return new MeasuredResult({ ...resultOf(found), explain: wirePlan(plan) }, wireUsage([plan]))
}

function offsetsOf({ ids, pairs }: SearchMatrix): object {
  const offsets = new Map(ids.map((id, at) => [id, at]))
  return {
    offsets_row: pairs.map(({ a }) => offsets.get(a)),
    offsets_col: pairs.map(({ b }) => offsets.get(b)),
    scores: Float32Array.from(pairs, ({ score }) => score),
    ids: ids.map(storedId),
    ...(ids.some((id) => textIdOf(id) !== null) ? { text_ids: ids.map(textIdOf) } : {}),
  }
}
