/**
 * The older routes for search, recommendation and discovery. Their result is a list of points, so the plan of an
 * explained query stands beside it.
 */
import { renameField } from '../../core/error-field.js'
import { type LegacyKind, legacyBodies } from '../../wire/legacy.js'
import type { ReadCall, ReadRoute } from '../call.js'
import { answerBatch, answerGroups, answerQuery, type Form } from './query.js'

const POINTS = '/collections/:name/points'
const READS = { method: 'POST', access: 'read', work: 'read' } as const
const OLDER = 'An older form of the query.'
const LIST: Form = { result: (points) => points, isBeside: true }

export const legacyQueryRoutes: ReadRoute[] = [
  ...routesOf('search', true),
  ...routesOf('recommend', true),
  ...routesOf('discover', false),
]

function routesOf(kind: LegacyKind, hasGroups: boolean): ReadRoute[] {
  const bodies = legacyBodies(kind)
  const shared = { ...READS, summary: OLDER }
  const path = `${POINTS}/${kind}`
  const routes: ReadRoute[] = [
    {
      ...shared,
      path,
      body: bodies.Single,
      run: inOlderWords(kind, (call) => answerQuery(call, bodies.query(call.anyBody), LIST)),
    },
    {
      ...shared,
      path: `${path}/batch`,
      body: bodies.Batch,
      run: inOlderWords(kind, (call) => answerBatch(call, bodies.batch(call.anyBody), LIST)),
    },
  ]
  if (!hasGroups) return routes
  const groups = inOlderWords(kind, (call) => answerGroups(call, bodies.groups(call.anyBody)))
  return [...routes, { ...shared, path: `${path}/groups`, body: bodies.Groups, run: groups }]
}

/** Errors of the query name the field of the older body: `vector`, `positive[0]`, `target`. */
function inOlderWords(kind: LegacyKind, run: (call: ReadCall) => Promise<unknown>) {
  const renamed = (field: string) =>
    kind === 'search'
      ? field.replace(/^(searches\[\d+\]\.)?query\b/, '$1vector')
      : field.replace(/^(searches\[\d+\]\.)?query\.(?:recommend\.|discover\.|(?=context))/, '$1')
  return async (call: ReadCall) =>
    await run(call).catch((error: unknown) => {
      throw renameField(error, renamed)
    })
}
