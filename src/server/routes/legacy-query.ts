/**
 * The older routes for search, recommendation and discovery. Their result is a list of points, so the plan of an
 * explained query stands beside it.
 */
import type { QueryOptions } from '../../core/query.js'
import { type LegacyKind, legacyBodies } from '../../wire/legacy.js'
import type { Asked } from '../../wire/read-bodies.js'
import type { ReadCall, ReadRoute } from '../call.js'
import { MeasuredResult } from '../respond.js'
import { answerGroups } from './query.js'
import { wirePlan, wireUsage } from './wire-plan.js'
import { wirePoints } from './wire-points.js'

const POINTS = '/collections/:name/points'
const READS = { method: 'POST', access: 'read', work: 'read' } as const
const OLDER = 'An older form of the query.'

export const legacyQueryRoutes: ReadRoute[] = [
  ...routesOf('search', true),
  ...routesOf('recommend', true),
  ...routesOf('discover', false),
]

function routesOf(kind: LegacyKind, hasGroups: boolean): ReadRoute[] {
  const bodies = legacyBodies(kind)
  const shared = { ...READS, summary: OLDER }
  const path = `${POINTS}/${kind}`
  const routes: ReadRoute[] = [
    { ...shared, path, body: bodies.Single, run: async (call) => query(call, bodies.query(call.anyBody)) },
    {
      ...shared,
      path: `${path}/batch`,
      body: bodies.Batch,
      run: async (call) => batch(call, bodies.batch(call.anyBody)),
    },
  ]
  if (!hasGroups) return routes
  const groups = async (call: ReadCall) => answerGroups(call, bodies.groups(call.anyBody))
  return [...routes, { ...shared, path: `${path}/groups`, body: bodies.Groups, run: groups }]
}

async function query(call: ReadCall, asked: Asked<QueryOptions>): Promise<unknown> {
  const collection = await call.reads()
  const options = { ...asked.options, ...call.options() }
  if (!asked.explain) return wirePoints(await collection.query(options))
  const { hits, plan } = await collection.explain(options)
  return new MeasuredResult(wirePoints(hits), wireUsage([plan]), wirePlan(plan))
}

async function batch(call: ReadCall, asked: Asked<QueryOptions>[]): Promise<unknown> {
  const collection = await call.reads()
  const queries = asked.map(({ options }) => options)
  if (!asked.some(({ explain }) => explain)) {
    return (await collection.queryBatch(queries, call.options())).map(wirePoints)
  }
  const answers = await collection.explainBatch(queries, call.options())
  const plans = answers.map(({ plan }, i) => (asked[i]?.explain ? plan : null))
  const told = plans.flatMap((plan) => plan ?? [])
  return new MeasuredResult(
    answers.map(({ hits }) => wirePoints(hits)),
    wireUsage(told),
    plans.map((plan) => plan && wirePlan(plan)),
  )
}
