import type { Explained, Hit, QueryOptions } from '../core/database.js'
import { notFound } from '../core/errors.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import {
  decodeId,
  encodeId,
  ID_WORDS,
  type MultiVector,
  type PointId,
  UNNAMED_VECTOR,
  type Vector,
} from '../core/point.js'
import type { VectorInput } from '../core/query.js'
import { isSparse, type ResolvedVector, type SchemaVector } from '../core/schema.js'
import type { Stoppable } from '../core/stop.js'
import type { FilterContext } from '../filter/parse.js'
import { compileFilter } from '../filter/program.js'
import type { SearchResult, VectorRows } from '../native/addon.js'
import type { Shard } from '../native/shard.js'
import { roundQuery } from '../native/vectors.js'
import { Amounts, DEFAULT_LIMIT } from './amounts.js'
import { BytesRead } from './bytes-read.js'
import { planOf, type StageFacts } from './explain.js'
import { listOf } from './long-lists.js'
import { borrowedVector, isVector } from './parse-scoring.js'
import { type Projection, projectionOf, RowReader } from './rows.js'
import { corpusOf, settingsOf, vectorIndex } from './search-settings.js'
import { Turns } from './turns.js'

const NO_FIELDS = { payload: false }
/** Hits that are built without pauses for other work. */
const MOST_AT_ONCE = 1000

/** The vector or id of a query that asks only for its neighbours; undefined for any other query. */
export function plainTarget(
  { query, prefetch, lookupFrom, using }: QueryOptions,
  schema: readonly SchemaVector[],
): Vector | MultiVector | PointId | undefined {
  if (query === undefined || query === null || prefetch || lookupFrom) return undefined
  const named = schema.find(({ name }) => name === using) ?? schema[0]
  if (named && isSparse(named)) return undefined
  if (typeof query !== 'object' || isVector(query)) return query
  return 'nearest' in query && !query.mmr && Object.keys(query).every((key) => key === 'nearest' || key === 'mmr')
    ? denseOrId(query.nearest)
    : undefined
}

function denseOrId(input: VectorInput): Vector | MultiVector | PointId | undefined {
  return typeof input !== 'object' || isVector(input) ? input : undefined
}

/** The nearest neighbours of a vector, or of a stored point, which is excluded. */
export function search<P>(
  shard: Shard,
  schema: readonly SchemaVector[],
  options: QueryOptions,
  scope?: Stoppable,
): MaybePromise<Hit<P>[]> {
  return searchAs(shard, schema, options, scope, false, (result, projection) => hitsOf<P>(result, projection, scope))
}

/** The same, with the plan. */
export function explainSearch<P>(
  shard: Shard,
  schema: readonly SchemaVector[],
  options: QueryOptions,
  scope?: Stoppable,
): MaybePromise<Explained<P>> {
  return searchAs(shard, schema, options, scope, true, (result, projection, isFiltered) => {
    const facts: StageFacts = {
      stage: 'nearest',
      returned: result.count,
      prefetch: [],
      rowBytes: { ...BytesRead.of(result) },
      tookUs: result.stats.tookUs,
    }
    const plan = planOf(result, { isFiltered, isSparse: false }, facts)
    return andThen(hitsOf<P>(result, projection, scope), (hits) => ({ hits, plan }))
  })
}

function searchAs<T>(
  shard: Shard,
  schema: readonly SchemaVector[],
  options: QueryOptions,
  scope: Stoppable | undefined,
  explain: boolean,
  answerOf: (result: SearchResult, projection: Projection, isFiltered: boolean) => MaybePromise<T>,
): MaybePromise<T> {
  const vector = vectorIndex(options.using, schema)
  const amounts = new Amounts(shard)
  const limit = amounts.bounded(options.limit ?? DEFAULT_LIMIT)
  const offset = amounts.bounded(options.offset ?? 0)
  const { ef, recall, exact, codes, indexedOnly } = settingsOf(options)
  const scoreThreshold = options.scoreThreshold ?? null
  const filter = options.filter ? compileFilter(options.filter, contextOf(schema)) : null
  const projection = projectionOf(options, schema)
  const searched = schema[vector] as ResolvedVector
  corpusOf(options.params?.idf, searched, contextOf(schema))
  const run = (target: Target): MaybePromise<T> => {
    const request = {
      vector,
      query: roundQuery(target.vector, searched.size, searched.datatype ?? 'float32'),
      limit,
      offset,
      ef,
      recall,
      exact,
      codes,
      indexedOnly,
      scoreThreshold,
      filter,
      exclude: target.exclude,
      fields: projection.fields,
      explain,
    }
    const found = shard.search(request, scope)
    return andThen(found, (result) => answerOf(result, projection, filter !== null))
  }
  const target = plainTarget(options, schema) as Vector | MultiVector | PointId
  return typeof target === 'object'
    ? // The kernel copies the vector if the search continues after this call.
      run({ vector: borrowedVector(target, searched, 'query'), exclude: null })
    : storedTarget(shard, schema, vector, target).then(run)
}

function contextOf(schema: readonly SchemaVector[]): FilterContext {
  return { vectorNames: schema.map(({ name }) => name) }
}

/** The vector whose neighbours are searched, and the excluded ids. */
interface Target {
  vector: Float32Array
  exclude: Uint32Array | null
}

async function storedTarget(
  shard: Shard,
  schema: readonly SchemaVector[],
  vector: number,
  query: PointId,
): Promise<Target> {
  const id = new Uint32Array(ID_WORDS)
  encodeId(query, id, 0, 'query')
  const stored = await shard.retrieve(id, { ...NO_FIELDS, vectors: Uint32Array.of(vector) })
  if (stored.count === 0) throw notFound('point with id', query)
  const column = stored.vectors[0] as VectorRows
  const name = schema[vector]?.name || UNNAMED_VECTOR
  if (!column.counts[0]) throw notFound(`vector ${JSON.stringify(name)} of point`, query)
  return { vector: column.data, exclude: id }
}

/** The kernel's rows as hits. */
export function hitsOf<P>(
  result: SearchResult,
  projection: Projection,
  call: Stoppable | undefined,
): MaybePromise<Hit<P>[]> {
  const { count } = result
  const hitAt = hitReader<P>(result, projection)
  if (count > MOST_AT_ONCE) return new Turns(call).take(listOf(count, hitAt))
  const hits: Hit<P>[] = new Array(count)
  for (let at = 0; at < count; at++) hits[at] = hitAt(at)
  return hits
}

function hitReader<P>(result: SearchResult, projection: Projection): (at: number) => Hit<P> {
  const { ids, seqs, scores } = result
  if (projection.payload || projection.vectorNames.length > 0) {
    const reader = new RowReader(result, projection)
    return (at) => reader.hit<P>(at, scores[at] as number)
  }
  return (at) => ({ id: decodeId(ids, at * ID_WORDS), version: seqs[at] as number, score: scores[at] as number })
}
