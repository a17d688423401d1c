import type { IncomingMessage } from 'node:http'
import { LIMITS } from '../../core/limits.js'
import { readRoutes } from './table.js'

const COLLECTIONS = '/collections/'
const POINTS = '/points'
const paths = new Set(
  readRoutes.filter(({ method }) => method === 'POST').map(({ path }) => path.slice(path.indexOf(POINTS))),
)

/** At the owner of a store, also as another node hands it on. */
const INGEST = /^(?:\/internal)?\/collections\/[^/?]+\/ingest(?:\?|$)/

/** Whether a request's body is a stream of points. */
export function takesStream({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && INGEST.test(url)
}

/** The name of the collection that a request reads by POST; null for any other request. */
export function collectionRead({ method, url = '' }: IncomingMessage): string | null {
  if (method !== 'POST' || !url.startsWith(COLLECTIONS)) return null
  const end = url.indexOf('/', COLLECTIONS.length)
  if (end < 0) return null
  const query = url.indexOf('?', end)
  const name = url.slice(COLLECTIONS.length, end)
  if (name.length > LIMITS.nameLength || name.includes('%')) return null
  return paths.has(query < 0 ? url.slice(end) : url.slice(end, query)) ? name : null
}
