import { type Awaitable, andThen } from '../core/awaitable.js'
import type { Explained, Hit, QueryOptions } from '../core/database.js'
import { invalid, notFound } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
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
import { BytesRead } from './bytes-read.js'
import { planOf } from './explain.js'
import { borrowedVector, isVector } from './parse-scoring.js'
import { type Projection, projectionOf, RowReader } from './rows.js'
import { bounded, corpusOf, DEFAULT_LIMIT, settingsOf, thresholdOf, vectorIndex } from './settings.js'
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
): Awaitable<Hit<P>[]> {
  return searchAs(shard, schema, options, scope, false, (result, projection) =>
    result.count > MOST_AT_ONCE ? hitsInTurns<P>(result, projection) : hitsOf<P>(result, projection),
  )
}

/** The same, with the plan. */
export function explainSearch<P>(
  shard: Shard,
  schema: readonly SchemaVector[],
  options: QueryOptions,
  scope?: Stoppable,
): Awaitable<Explained<P>> {
  return searchAs(shard, schema, options, scope, true, (result, projection, isFiltered) => ({
    hits: hitsOf<P>(result, projection),
    plan: planOf(
      result,
      { isFiltered, isSparse: false },
      {
        stage: 'nearest',
        returned: result.count,
        prefetch: [],
        rowBytes: { ...BytesRead.of(result) },
        tookUs: result.stats.tookUs,
      },
    ),
  }))
}

function searchAs<T>(
  shard: Shard,
  schema: readonly SchemaVector[],
  options: QueryOptions,
  scope: Stoppable | undefined,
  explain: boolean,
  answerOf: (result: SearchResult, projection: Projection, isFiltered: boolean) => Awaitable<T>,
): Awaitable<T> {
  const vector = vectorIndex(options.using, schema)
  const limit = bounded(options.limit ?? DEFAULT_LIMIT, 1, LIMITS.resultLimit, 'limit')
  const offset = bounded(options.offset ?? 0, 0, LIMITS.resultLimit, 'offset')
  if (offset + limit > LIMITS.resultLimit)
    throw invalid('offset', `expected offset + limit of at most ${LIMITS.resultLimit}`, offset + limit)
  const { ef, recall, exact, codes, indexedOnly } = settingsOf(options)
  const scoreThreshold = thresholdOf(options.scoreThreshold)
  const filter = options.filter ? compileFilter(options.filter, contextOf(schema)) : null
  const projection = projectionOf(options, schema)
  const searched = schema[vector] as ResolvedVector
  const { idf } = options.params ?? {}
  if (idf !== undefined) corpusOf(idf, searched, contextOf(schema))
  const run = (target: Target): Awaitable<T> => {
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
export function hitsOf<P>(result: SearchResult, projection: Projection): Hit<P>[] {
  if (!projection.payload && projection.vectorNames.length === 0) return bareHitsOf(result)
  const reader = new RowReader(result, projection)
  const hits: Hit<P>[] = new Array(result.count)
  for (let i = 0; i < result.count; i++) hits[i] = reader.hit(i, result.scores[i] as number)
  return hits
}

/** The same for many hits, in turns of the event loop. */
async function hitsInTurns<P>(result: SearchResult, projection: Projection): Promise<Hit<P>[]> {
  const reader = new RowReader(result, projection)
  const hits: Hit<P>[] = new Array(result.count)
  await new Turns().each(result.count, (i) => {
    hits[i] = reader.hit(i, result.scores[i] as number)
  })
  return hits
}

function bareHitsOf<P>({ count, ids, seqs, scores }: SearchResult): Hit<P>[] {
  const hits: Hit<P>[] = new Array(count)
  for (let i = 0; i < count; i++) {
    hits[i] = { id: decodeId(ids, i * ID_WORDS), version: seqs[i] as number, score: scores[i] as number }
  }
  return hits
}
