import type { Collection, QueryOptions } from '../../core/database.js'
import type { QueryPlan } from '../../core/query-plan.js'
import { explainOf, facetOf, matrixOf, queriesOf, queryGroupsOf, queryOf } from '../../ingest/wire-query.js'
import type { Call, Route } from '../call.js'
import { MeasuredResult } from '../respond.js'
import { wirePlan, wireUsage } from './wire-plan.js'
import { wireGroups, wirePoints } from './wire-points.js'

const COLLECTION = '/collections/:name'
const QUERY = `${COLLECTION}/points/query`
const MATRIX = `${COLLECTION}/points/search/matrix`

export const queryRoutes: Route[] = [
  { method: 'POST', path: QUERY, access: 'read', work: 'read', run: query },
  { method: 'POST', path: `${QUERY}/batch`, access: 'read', work: 'read', run: queryBatch },
  { method: 'POST', path: `${QUERY}/groups`, access: 'read', work: 'read', run: queryGroups },
  { method: 'POST', path: `${COLLECTION}/facet`, access: 'read', work: 'read', run: facet },
  { method: 'POST', path: `${MATRIX}/pairs`, access: 'read', work: 'read', run: matrixPairs },
  { method: 'POST', path: `${MATRIX}/offsets`, access: 'read', work: 'read', run: matrixOffsets },
]

async function query(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const options = Object.assign(queryOf(call.optionalBody), call.options())
  if (explainOf(call.optionalBody)) {
    const { answer, plan } = await explained(collection, options)
    return new MeasuredResult(answer, wireUsage([plan]))
  }
  return { points: wirePoints(await collection.query(options)) }
}

async function queryBatch(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const asked = queriesOf(call.body)
  if (asked.some(({ explain }) => explain)) {
    const found = await Promise.all(
      asked.map(async ({ query, explain }) => {
        const options = Object.assign(query, call.options())
        if (explain) return await explained(collection, options)
        return { answer: { points: wirePoints(await collection.query(options)) }, plan: null }
      }),
    )
    const plans = found.flatMap(({ plan }) => plan ?? [])
    return new MeasuredResult(
      found.map(({ answer }) => answer),
      wireUsage(plans),
    )
  }
  const answers = await collection.queryBatch(
    asked.map((one) => one.query),
    call.options(),
  )
  return answers.map((points) => ({ points: wirePoints(points) }))
}

async function queryGroups(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return wireGroups(await collection.queryGroups({ ...queryGroupsOf(call.body), ...call.options() }))
}

async function facet(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return { hits: await collection.facet({ ...facetOf(call.body), ...call.options() }) }
}

async function matrixPairs(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { pairs } = await collection.searchMatrix({ ...matrixOf(call.optionalBody), ...call.options() })
  return { pairs }
}

async function matrixOffsets(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { ids, pairs } = await collection.searchMatrix({ ...matrixOf(call.optionalBody), ...call.options() })
  const offsets = new Map(ids.map((id, at) => [id, at]))
  return {
    offsets_row: pairs.map(({ a }) => offsets.get(a)),
    offsets_col: pairs.map(({ b }) => offsets.get(b)),
    scores: Float32Array.from(pairs, ({ score }) => score),
    ids,
  }
}

async function explained(collection: Collection, options: QueryOptions): Promise<{ answer: object; plan: QueryPlan }> {
  const { hits, plan } = await collection.explain(options)
  return { answer: { points: wirePoints(hits), explain: wirePlan(plan) }, plan }
}
