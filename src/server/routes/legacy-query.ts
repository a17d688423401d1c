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
import type { ReadCall, ReadRoute } from '../call.js'
import { wireGroups } from './wire-points.js'

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
  return await collection.query({ ...legacyQueryOf(call.body, read), ...call.options() })
}

async function batch(call: ReadCall, read: LegacyQuery): Promise<unknown> {
  const collection = await call.reads()
  return await collection.queryBatch(legacyQueriesOf(call.body, read), call.options())
}

async function groups(call: ReadCall, read: LegacyQuery): Promise<unknown> {
  const collection = await call.reads()
  return wireGroups(await collection.queryGroups({ ...legacyGroupsOf(call.body, read), ...call.options() }))
}
