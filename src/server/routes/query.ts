import type { Collection, QueryOptions } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import type { QueryPlan } from '../../core/query-plan.js'
import { explainOf, facetOf, matrixOf, queriesOf, queryGroupsOf, queryOf } from '../../ingest/wire-query.js'
import type { Call, Route } from '../call.js'
import { MeasuredResult } from '../respond.js'
import { wirePlan, wireUsage } from './wire-plan.js'
import { wireGroups, wirePoints } from './wire-points.js'

type AskedQuery = ReturnType<typeof queriesOf>[number]

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
  if (asked.some(({ explain }) => explain)) return await explainedBatch(collection, asked, call)
  const answers = await collection.queryBatch(
    asked.map((one) => one.query),
    call.options(),
  )
  return answers.map((points) => ({ points: wirePoints(points) }))
}

/** Some of the batch are explained, each by itself; the others are one batch still. */
async function explainedBatch(collection: Collection, asked: AskedQuery[], call: Call): Promise<unknown> {
  await checkBatchSize(collection, asked.length, call)
  const plain = asked.filter(({ explain }) => !explain).map(({ query }) => query)
  const [hits, told] = await Promise.all([
    plain.length === 0 ? [] : collection.queryBatch(plain, call.options()),
    Promise.all(
      asked
        .filter(({ explain }) => explain)
        .map(({ query }) => explained(collection, Object.assign(query, call.options()))),
    ),
  ])
  const usage = wireUsage(told.map(({ plan }) => plan))
  const [answers, others] = [told.values(), hits.values()]
  const inOrder = asked.map(({ explain }) =>
    explain ? answers.next().value?.answer : { points: wirePoints(others.next().value ?? []) },
  )
  return new MeasuredResult(inOrder, usage)
}

/** In the words of strict mode, which sees only the parts of a batch that is taken apart. */
async function checkBatchSize(collection: Collection, size: number, call: Call): Promise<void> {
  const { strictModeConfig: strict } = (await collection.info(call.options())).config
  const bound = strict?.enabled ? strict.search_max_batchsize : undefined
  if (bound === undefined || size <= bound) return
  throw new VicinalError(
    'INVALID_ARGUMENT',
    `Bad request: Limit exceeded ${size} > ${bound} for "search batch size". ` +
      `Help: Reduce the "search batch size" parameter to or below ${bound}.`,
    { details: { field: 'strict_mode_config.search_max_batchsize', bound, seen: size } },
  )
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
