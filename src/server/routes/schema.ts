/** Routes that change the schema of a collection: its vectors, and indexes of its payload. */
import { PayloadIndexRequest } from '../../core/payload-index.js'
import { VectorNameConfig } from '../../core/schema.js'
import type { Route } from '../call.js'
import { deletes, writes } from './kinds.js'

const INDEX = '/collections/:name/index'
const VECTOR = '/collections/:name/vectors/:vector'

const routes: Route[] = [
  writes('PUT', INDEX, 'Makes an index of a payload field.', PayloadIndexRequest, (collection, index, options) =>
    collection.createPayloadIndex(index.fieldName, index.fieldSchema as NonNullable<typeof index.fieldSchema>, options),
  ),
  deletes(`${INDEX}/:field`, 'Deletes the index of a payload field.', (collection, options, call) =>
    collection.deletePayloadIndex(call.param('field'), options),
  ),
  writes('PUT', VECTOR, 'Adds a vector to a collection.', VectorNameConfig, (collection, config, options, call) =>
    collection.createVectorName(call.param('vector'), config, options),
  ),
  deletes(VECTOR, 'Drops a vector of a collection.', (collection, options, call) =>
    collection.deleteVectorName(call.param('vector'), options),
  ),
]

export const schemaRoutes = routes.map((route): Route => ({ ...route, scope: 'extras' }))
