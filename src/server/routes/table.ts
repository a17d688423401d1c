import type { ReadRoute, Route } from '../call.js'
import { openApiDocument } from '../openapi.js'
import { INTERNAL, isOfPoints, PUSH } from '../peers.js'
import { OpenBody, PlainBody } from '../respond.js'
import { aliasRoutes } from './aliases.js'
import { collectionRoutes } from './collections.js'
import { consoleRoutes } from './console.js'
import { ingestRoutes } from './ingest.js'
import { legacyQueryRoutes } from './legacy-query.js'
import { nodeRoutes } from './node.js'
import { payloadRoutes } from './payload.js'
import { pointReadRoutes, pointRoutes } from './points.js'
import { qualityRoutes } from './quality.js'
import { queryRoutes } from './query.js'
import { schemaRoutes } from './schema.js'
import { type ServiceState, serviceRoutes } from './service.js'
import { snapshotRoutes } from './snapshots.js'

/** Routes that all serving threads answer. */
export const readRoutes: readonly ReadRoute[] = [...pointReadRoutes, ...queryRoutes, ...legacyQueryRoutes]

/** The routes that nodes forward: writes to the owner of their store, reads of points to nodes that answer them. */
function internalRoutes(routes: readonly Route[]): Route[] {
  return routes.flatMap((route) => {
    const { access, path, isLocal } = route
    const isForwarded = (access === 'write' && !isLocal) || (access === 'read' && isOfPoints(path))
    return isForwarded ? [{ ...route, path: INTERNAL + path, access: 'cluster', forwards: access } as const] : []
  })
}

/** All routes of the service. The tests of access are generated from it. */
export function routeTable(state: ServiceState, pictureHosts: readonly string[] = []): Route[] {
  const routes: Route[] = [
    ...serviceRoutes(state),
    ...collectionRoutes,
    ...aliasRoutes,
    ...pointRoutes,
    ...ingestRoutes,
    ...payloadRoutes,
    ...qualityRoutes,
    ...readRoutes,
    ...schemaRoutes,
    ...snapshotRoutes,
    ...nodeRoutes(state.peers),
  ]
  const document = openApiDocument(routes)
  const { peers } = state
  if (peers && peers.keys.length > 0) {
    routes.push(...internalRoutes(routes), {
      method: 'GET',
      path: INTERNAL + PUSH,
      access: 'cluster',
      scope: 'all',
      work: 'light',
      run: () => new OpenBody(peers.push()),
    })
  }
  routes.push(...consoleRoutes(pictureHosts), {
    method: 'GET',
    path: '/openapi.json',
    access: 'read',
    scope: 'listed',
    work: 'light',
    summary: 'This document.',
    run: () => new PlainBody(document),
  })
  return routes
}
