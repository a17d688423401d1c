/** Bodies of the search, recommend and discover paths that clients before 1.16 use: queries in older words. */
import Type, { type TSchema } from 'typebox'
import { badRequest } from '../core/errors.js'
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
} from '../core/query.js'
import { VectorInput } from '../core/query-leaves.js'
import { RETURNED_ALIASES, returned, shardKey } from '../core/read-options.js'
import { count, oneOrMany, optional, recursive, text } from '../core/vocabulary/declare.js'
import { isPlain } from '../core/vocabulary/reader.js'
import { type Asked, askedOf, batchOf, bodyOf, explained, inside, insideGroups } from './read-bodies.js'

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
  readonly fields: Record<string, TSchema>
  readonly queryOf: (body: never) => Pick<QueryStage, 'query' | 'using'>
  readonly description: string
}

/** Of the later path it has a default. */
const limit = count({ description: 'Points to return.', minimum: 1 })
const groupLimits = {
  groupSize: count({ description: 'Points of each group.', minimum: 1 }),
  limit: count({ description: 'Groups to return.', minimum: 1 }),
}

const KINDS = {
  search: {
    fields: { vector: NamedVector },
    queryOf: ({ vector }: { vector: VectorInput | { name: string; vector: VectorInput } }) =>
      isPlain(vector) && 'name' in vector
        ? { query: vector.vector as VectorInput, using: vector.name as string }
        : { query: vector as VectorInput },
    description: 'The neighbours of a vector.',
  },
  recommend: {
    fields: recommendation,
    queryOf: (recommend: RecommendQuery['recommend']) => ({ query: { recommend } }),
    description: 'Points like the positive examples, and unlike the negative ones.',
  },
  discover: {
    // The declaration itself, by which a face finds its way to read it.
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
  },
} satisfies Record<string, Kind>
export type LegacyKind = keyof typeof KINDS

/** The declarations of the bodies of one kind, and the query that a body asks. */
export function legacyBodies(kind: LegacyKind) {
  const { fields, description, queryOf } = KINDS[kind] as Kind
  const name = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
  const shared = { ...fields, ...search, limit, offset, ...returned, ...explained, shardKey }
  const Single = Type.Object(shared, {
    $id: `${name}Request`,
    description,
    ...inside(`${kind}_request`),
    aliases: { ...RETURNED_ALIASES, limit: ['top'] },
  })
  const Batch = batchOf(Single, `${name}RequestBatch`)
  const Groups = Type.Object(
    { ...fields, ...search, ...grouping, ...groupLimits, ...returned, ...explained, shardKey },
    { $id: `${name}GroupsRequest`, description, ...insideGroups(`${kind}_group_request`) },
  )
  const own = Object.keys(fields)
  const ask = <O extends QueryOptions>(body: object): Asked<O> => {
    const entries = Object.entries(body)
    const query = queryOf(Object.fromEntries(entries.filter(([key]) => own.includes(key))) as never)
    const rest = Object.fromEntries(entries.filter(([key]) => !own.includes(key)))
    return askedOf({ ...rest, ...query } as O)
  }
  return {
    Single,
    Batch,
    Groups,
    query: (body: unknown) => ask<QueryOptions>(bodyOf(Single, body)),
    batch: (body: unknown) => bodyOf(Batch, body).searches.map((one) => ask<QueryOptions>(one)),
    groups: (body: unknown) => ask<QueryGroupsOptions>(bodyOf(Groups, body)),
  }
}
