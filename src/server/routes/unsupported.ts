/** Paths of Qdrant's API that this version does not have: 501 with their name says more than 404. */
import { unsupported } from '../../ingest/wire-fields.js'
import type { Route } from '../call.js'

const COLLECTION = '/collections/:name'
const POINTS = `${COLLECTION}/points`

const PATHS: [method: Route['method'], path: string][] = [
  ['POST', `${POINTS}/query/groups`],
  ['POST', `${POINTS}/search`],
  ['POST', `${POINTS}/search/batch`],
  ['POST', `${POINTS}/search/groups`],
  ['POST', `${POINTS}/search/matrix/pairs`],
  ['POST', `${POINTS}/search/matrix/offsets`],
  ['POST', `${POINTS}/recommend`],
  ['POST', `${POINTS}/recommend/batch`],
  ['POST', `${POINTS}/recommend/groups`],
  ['POST', `${POINTS}/discover`],
  ['POST', `${POINTS}/discover/batch`],
  ['POST', `${COLLECTION}/facet`],
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
