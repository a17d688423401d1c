import { VectorNameConfig } from '../../core/schema.js'
import { vectorNameConfigOf } from '../../wire/collection.js'
import type { Call, Route } from '../call.js'
import { WRITE, writeResult } from './write-result.js'

const VECTOR = '/collections/:name/vectors/:vector'

export const vectorNameRoutes: Route[] = [
  {
    method: 'PUT',
    path: VECTOR,
    ...WRITE,
    summary: 'Adds a vector to the points of a collection.',
    body: VectorNameConfig,
    run: create,
  },
  { method: 'DELETE', path: VECTOR, ...WRITE, summary: 'Drops a vector of a collection.', run: remove },
]

async function create(call: Call): Promise<unknown> {
  const config = vectorNameConfigOf(call.body)
  const collection = await call.collection()
  return writeResult(await collection.createVectorName(call.param('vector'), config, call.writeOptions()))
}

async function remove(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return writeResult(await collection.deleteVectorName(call.param('vector'), call.writeOptions()))
}
