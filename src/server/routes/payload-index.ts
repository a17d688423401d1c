import { PayloadIndexRequest } from '../../core/payload-index.js'
import { payloadIndexOf } from '../../wire/payload-index.js'
import type { Call, Route } from '../call.js'
import { WRITE, writeResult } from './write-result.js'

const INDEX = '/collections/:name/index'

export const payloadIndexRoutes: Route[] = [
  {
    method: 'PUT',
    path: INDEX,
    ...WRITE,
    summary: 'Makes an index of a payload field.',
    body: PayloadIndexRequest,
    run: create,
  },
  {
    method: 'DELETE',
    path: `${INDEX}/:field`,
    ...WRITE,
    summary: 'Deletes the index of a payload field.',
    run: remove,
  },
]

async function create(call: Call): Promise<unknown> {
  const { field, schema } = payloadIndexOf(call.anyBody)
  const collection = await call.collection()
  return writeResult(await collection.createPayloadIndex(field, schema, call.writeOptions()))
}

async function remove(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return writeResult(await collection.deletePayloadIndex(call.param('field'), call.writeOptions()))
}
