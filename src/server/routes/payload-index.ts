import { payloadIndexOf } from '../../wire/payload-index.js'
import type { Call, Route } from '../call.js'
import { writeResult } from './write-result.js'

const INDEX = '/collections/:name/index'

export const payloadIndexRoutes: Route[] = [
  { method: 'PUT', path: INDEX, access: 'write', work: 'write', run: create },
  { method: 'DELETE', path: `${INDEX}/:field`, access: 'write', work: 'write', run: remove },
]

async function create(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { field, schema } = payloadIndexOf(call.body)
  return writeResult(await collection.createPayloadIndex(field, schema, call.writeOptions()))
}

async function remove(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return writeResult(await collection.deletePayloadIndex(call.param('field'), call.writeOptions()))
}
