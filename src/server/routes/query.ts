import { queriesOf, queryOf } from '../../ingest/wire-query.js'
import type { Call, Route } from '../call.js'

const QUERY = '/collections/:name/points/query'

export const queryRoutes: Route[] = [
  { method: 'POST', path: QUERY, access: 'read', work: 'read', run: query },
  { method: 'POST', path: `${QUERY}/batch`, access: 'read', work: 'read', run: queryBatch },
]

async function query(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return { points: await collection.query(Object.assign(queryOf(call.optionalBody), call.options())) }
}

async function queryBatch(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const answers = await collection.queryBatch(queriesOf(call.body), call.options())
  return answers.map((points) => ({ points }))
}
