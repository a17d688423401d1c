import type { ReadRoute, Route } from '../call.js'
import { openApiDocument } from '../openapi.js'
import { PlainBody } from '../respond.js'
import { aliasRoutes } from './aliases.js'
import { collectionRoutes } from './collections.js'
import { ingestRoutes } from './ingest.js'
import { legacyQueryRoutes } from './legacy-query.js'
import { nodeRoutes } from './node.js'
import { payloadRoutes } from './payload.js'
import { payloadIndexRoutes } from './payload-index.js'
import { pointReadRoutes, pointRoutes } from './points.js'
import { queryRoutes } from './query.js'
import { type ServiceState, serviceRoutes } from './service.js'
import { snapshotRoutes } from './snapshots.js'
import { vectorNameRoutes } from './vector-names.js'

/** Routes that all serving threads answer. */
export const readRoutes: readonly ReadRoute[] = [...pointReadRoutes, ...queryRoutes, ...legacyQueryRoutes]

/** All routes of the service. The tests of access are generated from it. */
export function routeTable(state: ServiceState): Route[] {
  const routes: Route[] = [
    ...serviceRoutes(state),
    ...collectionRoutes,
    ...aliasRoutes,
    ...pointRoutes,
    ...ingestRoutes,
    ...payloadRoutes,
    ...readRoutes,
    ...payloadIndexRoutes,
    ...vectorNameRoutes,
    ...snapshotRoutes,
    ...nodeRoutes(),
  ]
  const document = openApiDocument(routes)
  routes.push({
    method: 'GET',
    path: '/openapi.json',
    access: 'read',
    work: 'light',
    summary: 'This document.',
    run: () => new PlainBody(document),
  })
  return routes
}
