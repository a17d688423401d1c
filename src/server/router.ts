/** Registers a table of routes with fastify. Access is part of a route's declaration, so that no route can lack it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AnsweredByAnotherThread } from '../core/answered-by-another-thread.js'
import { VicinalError } from '../core/errors.js'
import type { ReadCall, RouteOf } from './call.js'
import type { MainThread } from './main-thread.js'
import type { Metrics, RouteMetrics } from './metrics.js'
import { INTERNAL, WATERMARK_HEADER } from './peers.js'
import { sendError, sendResult } from './respond.js'
import { SCOPES } from './rights.js'

/** Data of the matched route for the hooks. */
export interface RouteConfig {
  declared: Pick<
    RouteOf<never>,
    'access' | 'scope' | 'forwards' | 'work' | 'isUpload' | 'isStream' | 'isLocal' | 'isAdministrative'
  >
  metrics: RouteMetrics
}

const METHODS = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'] as const
const ACCESSES: readonly unknown[] = ['open', 'read', 'write', 'cluster']

/** The checks before a request's body is read. `config` is undefined if no route matched. */
export type Entrance = (
  request: FastifyRequest,
  reply: FastifyReply,
  config: RouteConfig | undefined,
  done: (error?: Error) => void,
) => void

interface RouterParts<C> {
  metrics: Metrics
  callOf(request: FastifyRequest): C
  entrance: Entrance
  mainThread: MainThread | null
}

export function registerRoutes<C extends ReadCall>(
  app: FastifyInstance,
  routes: readonly RouteOf<C>[],
  parts: RouterParts<C>,
): void {
  guard(app, parts.entrance)
  for (const route of routes) registerRoute(app, route, parts)
  for (const path of new Set(routes.map((route) => route.path))) refuseOtherMethods(app, path, routes, parts.metrics)
}

/** Adds the entrance as a hook of each route: looking up a request's route takes longer. */
function guard(app: FastifyInstance, entrance: Entrance): void {
  app.addHook('onRoute', (route) => {
    const config = route.config as RouteConfig | undefined
    if (!ACCESSES.includes(config?.declared?.access)) {
      throw new VicinalError('INTERNAL', `route ${String(route.method)} ${route.url}: declares no access`)
    }
    if (!SCOPES.includes(config?.declared?.scope)) {
      throw new VicinalError('INTERNAL', `route ${String(route.method)} ${route.url}: declares no scope`)
    }
    route.onRequest = (request, reply, done) => entrance(request, reply, config, done)
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) entrance(request, reply, undefined, done)
    else done()
  })
}

function registerRoute<C extends ReadCall>(app: FastifyInstance, route: RouteOf<C>, parts: RouterParts<C>): void {
  const { metrics, callOf, mainThread } = parts
  const isWrite = route.access === 'write' || route.access === 'cluster'
  const config: RouteConfig = {
    declared: {
      access: route.access,
      scope: route.scope,
      ...(route.forwards ? { forwards: route.forwards } : {}),
      work: route.work,
      ...(route.isUpload ? { isUpload: true } : {}),
      ...(route.isStream ? { isStream: true } : {}),
      ...(route.isLocal ? { isLocal: true } : {}),
      ...(route.isAdministrative ? { isAdministrative: true } : {}),
    },
    metrics: metrics.route(route.method, endpointOf(route.path)),
  }
  app.route({
    method: route.method,
    url: route.path,
    config,
    async handler(request, reply) {
      const { ticket } = request
      const startMs = performance.now()
      let result: unknown
      try {
        const call = callOf(request)
        const begun = call.begin(route)
        if (begun) await begun
        result = await route.run(call)
        // A stream's answer begins before its writes end, and has its watermark in the last line.
        if (isWrite && !route.isStream) {
          const watermark = call.watermark()
          if (watermark) reply.header(WATERMARK_HEADER, await watermark)
        }
      } catch (error) {
        if (!(error instanceof AnsweredByAnotherThread) || !mainThread) {
          if (isWrite) await callOf(request).confirm(error)
          throw error
        }
        mainThread.answer(request, reply)
        return reply
      } finally {
        const endMs = performance.now()
        ticket.ranMs = endMs - startMs
        ticket.notes?.span('run', startMs, endMs)
      }
      return sendResult(request, reply, result)
    },
  })
}

/**
 * Answers 405 with the allowed methods. It needs a key that may read, so that others do not learn which paths exist.
 */
function refuseOtherMethods(
  app: FastifyInstance,
  path: string,
  routes: readonly RouteOf<never>[],
  metrics: Metrics,
): void {
  const allowed = routes.filter((route) => leadsTo(route.path, path)).map((route) => route.method)
  const method = METHODS.filter((candidate) => !allowed.includes(candidate))
  const config: RouteConfig = {
    declared: { access: path.startsWith(INTERNAL) ? 'cluster' : 'read', scope: 'listed', work: 'light' },
    metrics: metrics.route('OTHER', endpointOf(path)),
  }
  const error = new VicinalError('METHOD_NOT_ALLOWED', `Method not allowed: expected ${allowed.join(', ')}`)
  app.route({
    method,
    url: path,
    config,
    handler: (request, reply) => sendError(request, reply.header('allow', allowed.join(', ')), error),
  })
}

/**
 * Whether a route's pattern matches a path. `/collections/aliases` is a route for POST; with other methods it is a
 * collection of this name.
 */
function leadsTo(pattern: string, path: string): boolean {
  const parts = path.split('/')
  const patterns = pattern.split('/')
  return parts.length === patterns.length && patterns.every((part, i) => part.startsWith(':') || part === parts[i])
}

/** `/collections/:name` as the API's description spells it: `/collections/{name}`. */
export function endpointOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

/** The declaration of the matched route; undefined if none matched. */
export function configOf(request: FastifyRequest): RouteConfig | undefined {
  const config = request.routeOptions.config as Partial<RouteConfig>
  return config.declared ? (config as RouteConfig) : undefined
}
