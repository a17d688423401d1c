/**
 * The paths for search, recommendation and discovery that clients before 1.16 use: queries in older words. Their result
 * is a list of points, so the plan of an explained query stands beside it.
 */
import Type, { type TSchema } from 'typebox'
import type { ReadableCollection } from '../../core/database.js'
import { renameField } from '../../core/error-field.js'
import { badRequest } from '../../core/errors.js'
import {
  ContextPair,
  grouping,
  offset,
  type QueryGroupsOptions,
  type QueryOptions,
  type QueryStage,
  type RecommendQuery,
  recommendation,
  search,
} from '../../core/query.js'
import { VectorInput } from '../../core/query-leaves.js'
import { RETURNED_ALIASES, returned, shardKey } from '../../core/read-options.js'
import { count, oneOrMany, optional, recursive, text } from '../../core/vocabulary/declare.js'
import { isPlain } from '../../core/vocabulary/reader.js'
import { type Asked, batchOf, explained, inside, insideGroups } from '../../wire/read-bodies.js'
import type { ReadCall, ReadRoute } from '../call.js'
import { reads } from './kinds.js'
import { answerBatch, answerGroups, answerQuery, type Form } from './query.js'

const LIST: Form = { result: (points) => points, isBeside: true }
const OLDER = 'An older form of the query.'

/** A vector, or one with its name. */
const NamedVector = Type.Union(
  [VectorInput, Type.Object({ name: text('The searched vector.'), vector: VectorInput })],
  {
    description: 'A vector of the only name there is, or `{ name, vector }`.',
    choose: (value: unknown) => (isPlain(value) && 'name' in value ? 1 : 0),
  },
)

/** The fields of an older body, and the query that they mean. */
interface Kind {
  readonly name: string
  readonly fields: Record<string, TSchema>
  readonly queryOf: (body: never) => Pick<QueryStage, 'query' | 'using'>
  readonly description: string
  readonly hasGroups?: boolean
  /** Errors of the query name the field of the older body: `vector`, `positive[0]`, `target`. */
  readonly renamed: (field: string) => string
}

const withoutKind = (field: string) =>
  field.replace(/^(searches\[\d+\]\.)?query\.(?:recommend\.|discover\.|(?=context))/, '$1')

/** Of the later path it has a default. */
const limit = count({ description: 'Points to return.', minimum: 1 })
const groupLimits = {
  groupSize: count({ description: 'Points of each group.', minimum: 1 }),
  limit: count({ description: 'Groups to return.', minimum: 1 }),
}

const KINDS: readonly Kind[] = [
  {
    name: 'search',
    fields: { vector: NamedVector },
    queryOf: ({ vector }: { vector: VectorInput | { name: string; vector: VectorInput } }) =>
      isPlain(vector) && 'name' in vector
        ? { query: vector.vector as VectorInput, using: vector.name as string }
        : { query: vector as VectorInput },
    description: 'The neighbours of a vector.',
    hasGroups: true,
    renamed: (field) => field.replace(/^(searches\[\d+\]\.)?query\b/, '$1vector'),
  },
  {
    name: 'recommend',
    fields: recommendation,
    queryOf: (recommend: RecommendQuery['recommend']) => ({ query: { recommend } }),
    description: 'Points like the positive examples, and unlike the negative ones.',
    hasGroups: true,
    renamed: withoutKind,
  },
  {
    name: 'discover',
    // The declaration itself: a face finds its reader by it.
    fields: {
      target: optional(recursive<VectorInput>(() => VectorInput)),
      context: optional(oneOrMany(ContextPair, { description: 'Pairs.' })),
    },
    queryOf: ({ target, context = [] }: { target?: VectorInput; context?: readonly ContextPair[] }) => {
      if (target === undefined && context.length === 0)
        throw badRequest('target', 'target and/or context_pairs must be specified')
      return { query: target === undefined ? { context } : { discover: { target, context } } }
    },
    description: 'Points near a target, on the right side of each pair.',
    renamed: withoutKind,
  },
]

export const legacyQueryRoutes: ReadRoute[] = KINDS.flatMap(routesOf)

function routesOf({ name, fields, description, queryOf, hasGroups, renamed }: Kind): ReadRoute[] {
  const $id = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const shared = { ...fields, ...search, ...returned, ...explained, shardKey }
  const Single = Type.Object(
    { ...shared, limit, offset },
    {
      $id: `${$id}Request`,
      description,
      ...inside(`${name}_request`),
      aliases: { ...RETURNED_ALIASES, limit: ['top'] },
    },
  )
  const Groups = Type.Object(
    { ...shared, ...grouping, ...groupLimits },
    { $id: `${$id}GroupsRequest`, description, ...insideGroups(`${name}_group_request`) },
  )
  const asked = <O extends QueryOptions>(body: object): Asked<O> => {
    const parts: [own: Record<string, unknown>, rest: Record<string, unknown>] = [{}, {}]
    for (const [key, value] of Object.entries(body)) parts[key in fields ? 0 : 1][key] = value
    return { ...parts[1], ...queryOf(parts[0] as never) } as Asked<O>
  }
  const inOlderWords =
    <B>(run: (collection: ReadableCollection, body: B, call: ReadCall) => Promise<unknown>) =>
    async (collection: ReadableCollection, body: B, call: ReadCall) =>
      await run(collection, body, call).catch((error: unknown) => {
        throw renameField(error, renamed)
      })
  const path = `/collections/:name/points/${name}`
  const routes = [
    reads(
      path,
      OLDER,
      Single,
      inOlderWords((collection, body: object, call) => answerQuery(collection, asked(body), call, LIST)),
    ),
    reads(
      `${path}/batch`,
      OLDER,
      batchOf(Single, `${$id}RequestBatch`),
      inOlderWords((collection, { searches }: { searches: object[] }, call) =>
        answerBatch(collection, searches.map(asked), call, LIST),
      ),
    ),
  ]
  if (!hasGroups) return routes
  const groups = inOlderWords((collection, body: object, call) =>
    answerGroups(collection, asked<QueryGroupsOptions>(body), call),
  )
  return [...routes, reads(`${path}/groups`, OLDER, Groups, groups)]
}
