/** Paths of Qdrant's API that this version does not have: 501 with their name says more than 404. */
import { unsupported } from '../../ingest/wire-fields.js'
import type { Route } from '../call.js'

const COLLECTION = '/collections/:name'

const PATHS: [method: Route['method'], path: string][] = [
  ['PUT', `${COLLECTION}/vectors/:vector`],
  ['DELETE', `${COLLECTION}/vectors/:vector`],
]

export const unsupportedRoutes: Route[] = PATHS.map(([method, path]) => ({
  method,
  path,
  access: 'read',
  work: 'light',
  run() {
    throw unsupported(`${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  },
}))
