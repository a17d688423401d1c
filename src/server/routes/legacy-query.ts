/**
 * The older routes for search, recommendation and discovery. Their result is a list of points, so the plan of an
 * explained query stands beside it.
 */
import {
  discoverOf,
  type LegacyQuery,
  legacyGroupsOf,
  legacyQueriesOf,
  legacyQueryOf,
  recommendOf,
  searchOf,
} from '../../wire/legacy.js'
import { explainOf } from '../../wire/query.js'
import type { ReadCall, ReadRoute } from '../call.js'
import { MeasuredResult } from '../respond.js'
import { answerGroups } from './query.js'
import { wirePlan, wireUsage } from './wire-plan.js'
import { wirePoints } from './wire-points.js'

const POINTS = '/collections/:name/points'

export const legacyQueryRoutes: ReadRoute[] = [
  ...one('search', searchOf),
  ...grouped('search', searchOf),
  ...one('recommend', recommendOf),
  ...grouped('recommend', recommendOf),
  ...one('discover', discoverOf),
]

function one(name: string, read: LegacyQuery): ReadRoute[] {
  return [
    { method: 'POST', path: `${POINTS}/${name}`, access: 'read', work: 'read', run: (call) => query(call, read) },
    { method: 'POST', path: `${POINTS}/${name}/batch`, access: 'read', work: 'read', run: (call) => batch(call, read) },
  ]
}

function grouped(name: string, read: LegacyQuery): ReadRoute[] {
  const path = `${POINTS}/${name}/groups`
  return [{ method: 'POST', path, access: 'read', work: 'read', run: (call) => groups(call, read) }]
}

async function query(call: ReadCall, read: LegacyQuery): Promise<unknown> {
  const collection = await call.reads()
  const options = { ...legacyQueryOf(call.body, read), ...call.options() }
  if (!explainOf(call.body)) return wirePoints(await collection.query(options))
  const { hits, plan } = await collection.explain(options)
  return new MeasuredResult(wirePoints(hits), wireUsage([plan]), wirePlan(plan))
}

async function batch(call: ReadCall, read: LegacyQuery): Promise<unknown> {
  const collection = await call.reads()
  const asked = legacyQueriesOf(call.body, read)
  const queries = asked.map(({ query }) => query)
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

async function groups(call: ReadCall, read: LegacyQuery): Promise<unknown> {
  return await answerGroups(call, legacyGroupsOf(call.body, read))
}
