import type { FastifyReply, FastifyRequest } from 'fastify'
import { VicinalError } from '../core/errors.js'
import { isOfPoints, type Peers } from './peers.js'
import type { RouteConfig } from './router.js'

/** Forwards a request that this node does not answer, and returns true. `refuse` takes the error if no answer comes. */
export function answeredByOtherNode(
  peers: Peers | null,
  config: RouteConfig | undefined,
  [request, reply]: [FastifyRequest, FastifyReply],
  refuse: (error: Error) => void,
): boolean {
  if (!peers || !config) return false
  const { access, isLocal } = config.declared
  try {
    if (access === 'write' && isLocal !== true && !peers.isOwner && peers.keys.length > 0)
      peers.forward(request, reply, refuse)
    // Reads of points, where this node has the role `write` alone.
    else if (access === 'read' && peers.readsElsewhere && isOfPoints(request.routeOptions.url))
      peers.forwardRead(request, reply, refuse).catch(refuse)
    else return false
  } catch (error) {
    refuse(error as Error)
  }
  return true
}

/** Throws UNAVAILABLE where a stream's queries would be for another node. */
export function checkAnswersStreams(peers: Peers | null): void {
  if (!peers?.readsElsewhere) return
  const what = 'Service unavailable: this node has the role write alone: open the stream at a node with the role query'
  throw new VicinalError('UNAVAILABLE', what)
}
