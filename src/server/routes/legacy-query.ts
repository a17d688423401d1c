/** Search, recommend and discover as they were before there was one query for all of them. */
import {
  discoverOf,
  type LegacyQuery,
  legacyGroupsOf,
  legacyQueriesOf,
  legacyQueryOf,
  recommendOf,
  searchOf,
} from '../../ingest/wire-legacy.js'
import type { Call, Route } from '../call.js'
import { wireGroups } from './wire-points.js'

const POINTS = '/collections/:name/points'

export const legacyQueryRoutes: Route[] = [
  ...one('search', searchOf),
  ...grouped('search', searchOf),
  ...one('recommend', recommendOf),
  ...grouped('recommend', recommendOf),
  ...one('discover', discoverOf),
]

function one(name: string, read: LegacyQuery): Route[] {
  return [
    { method: 'POST', path: `${POINTS}/${name}`, access: 'read', work: 'read', run: (call) => query(call, read) },
    { method: 'POST', path: `${POINTS}/${name}/batch`, access: 'read', work: 'read', run: (call) => batch(call, read) },
  ]
}

function grouped(name: string, read: LegacyQuery): Route[] {
  const path = `${POINTS}/${name}/groups`
  return [{ method: 'POST', path, access: 'read', work: 'read', run: (call) => groups(call, read) }]
}

async function query(call: Call, read: LegacyQuery): Promise<unknown> {
  const collection = await call.collection()
  return await collection.query({ ...legacyQueryOf(call.body, read), ...call.options() })
}

async function batch(call: Call, read: LegacyQuery): Promise<unknown> {
  const collection = await call.collection()
  return await collection.queryBatch(legacyQueriesOf(call.body, read), call.options())
}

async function groups(call: Call, read: LegacyQuery): Promise<unknown> {
  const collection = await call.collection()
  return wireGroups(await collection.queryGroups({ ...legacyGroupsOf(call.body, read), ...call.options() }))
}
