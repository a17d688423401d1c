import type { ReadableCollection } from '../../core/database.js'
import type { QueryGroupsOptions, SearchMatrix } from '../../core/query.js'
import { storedId, textIdOf } from '../../core/text-ids.js'
import { explainOf, facetOf, matrixOf, queriesOf, queryGroupsOf, queryOf } from '../../wire/query.js'
import type { ReadCall, ReadRoute } from '../call.js'
import { MeasuredResult } from '../respond.js'
import { wirePlan, wireUsage } from './wire-plan.js'
import { wireGroups, wirePoints } from './wire-points.js'

type AskedQuery = ReturnType<typeof queriesOf>[number]

const COLLECTION = '/collections/:name'
const QUERY = `${COLLECTION}/points/query`
const MATRIX = `${COLLECTION}/points/search/matrix`

export const queryRoutes: ReadRoute[] = [
  { method: 'POST', path: QUERY, access: 'read', work: 'read', run: query },
  { method: 'POST', path: `${QUERY}/batch`, access: 'read', work: 'read', run: queryBatch },
  { method: 'POST', path: `${QUERY}/groups`, access: 'read', work: 'read', run: queryGroups },
  { method: 'POST', path: `${COLLECTION}/facet`, access: 'read', work: 'read', run: facet },
  { method: 'POST', path: `${MATRIX}/pairs`, access: 'read', work: 'read', run: matrixPairs },
  { method: 'POST', path: `${MATRIX}/offsets`, access: 'read', work: 'read', run: matrixOffsets },
]

async function query(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  const options = Object.assign(queryOf(call.optionalBody), call.options())
  if (explainOf(call.optionalBody)) {
    const { hits, plan } = await collection.explain(options)
    return new MeasuredResult({ points: wirePoints(hits), explain: wirePlan(plan) }, wireUsage([plan]))
  }
  return { points: wirePoints(await collection.query(options)) }
}

async function queryBatch(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  const asked = queriesOf(call.body)
  if (asked.some(({ explain }) => explain)) return await explainedBatch(collection, asked, call)
  const answers = await collection.queryBatch(
    asked.map((one) => one.query),
    call.options(),
  )
  return answers.map((points) => ({ points: wirePoints(points) }))
}

/** Runs the whole batch at once, even if only some of its queries are explained. */
async function explainedBatch(collection: ReadableCollection, asked: AskedQuery[], call: ReadCall): Promise<unknown> {
  const told = await collection.explainBatch(
    asked.map(({ query }) => query),
    call.options(),
  )
  const plans = told.flatMap(({ plan }, i) => (asked[i]?.explain ? plan : []))
  const answers = told.map(({ hits, plan }, i) =>
    asked[i]?.explain ? { points: wirePoints(hits), explain: wirePlan(plan) } : { points: wirePoints(hits) },
  )
  return new MeasuredResult(answers, wireUsage(plans))
}

async function queryGroups(call: ReadCall): Promise<unknown> {
  return await answerGroups(call, queryGroupsOf(call.body))
}

/** Also answers the older paths. */
export async function answerGroups(call: ReadCall, query: QueryGroupsOptions): Promise<unknown> {
  const collection = await call.reads()
  const options = { ...query, ...call.options() }
  if (!explainOf(call.body)) return wireGroups(await collection.queryGroups(options))
  const { groups, plan } = await collection.explainGroups(options)
  return new MeasuredResult({ ...wireGroups(groups), explain: wirePlan(plan) }, wireUsage([plan]))
}

async function facet(call: ReadCall): Promise<unknown> {
  const collection = await call.reads()
  return { hits: await collection.facet({ ...facetOf(call.body), ...call.options() }) }
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
  const collection = await call.reads()
  const options = { ...matrixOf(call.optionalBody), ...call.options() }
  if (!explainOf(call.optionalBody)) return resultOf(await collection.searchMatrix(options))
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
