import type { Hit, QueryOptions } from '../core/database.js'
import { invalid, notFound } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { encodeId, ID_WORDS, type PointId, UNNAMED_VECTOR, type Vector } from '../core/point.js'
import type { ResolvedVector } from '../core/schema.js'
import { compileFilter } from '../filter/program.js'
import type { SearchResult } from '../native/addon.js'
import type { Shard } from '../native/shard.js'
import { type Projection, projectionOf, RowReader } from './rows.js'

const DEFAULT_LIMIT = 10
/** Width of the beam where the query names none: recall@10 of 0.95 and above on the data sets in bench/. */
const DEFAULT_EF = 128
const NO_FIELDS = { payload: false }

/** Nearest neighbours of a vector, or of a stored point (which is left out). */
export async function search<P>(
  shard: Shard,
  schema: readonly ResolvedVector[],
  options: QueryOptions,
  signal?: AbortSignal,
): Promise<Hit<P>[]> {
  const vector = vectorIndex(options.using, schema)
  const limit = bounded(options.limit ?? DEFAULT_LIMIT, 1, LIMITS.resultLimit, 'limit')
  const offset = bounded(options.offset ?? 0, 0, LIMITS.resultLimit, 'offset')
  if (offset + limit > LIMITS.resultLimit)
    throw invalid('offset', `expected offset + limit of at most ${LIMITS.resultLimit}`, offset + limit)
  const ef = bounded(options.params?.hnsw_ef ?? DEFAULT_EF, 1, LIMITS.ef, 'params.hnsw_ef')
  const { scoreThreshold } = options
  if (scoreThreshold !== undefined && !Number.isFinite(scoreThreshold))
    throw invalid('score_threshold', 'expected a finite number', scoreThreshold)
  const filter = options.filter ? compileFilter(options.filter, { vectorNames: schema.map(({ name }) => name) }) : null
  const projection = projectionOf(options, schema)
  const target = await queryVector(shard, schema, vector, options.query as Vector | PointId)
  const result = await shard.search(
    {
      vector,
      query: target.vector,
      limit,
      offset,
      ef,
      exact: options.params?.exact === true,
      indexedOnly: options.params?.indexed_only === true,
      scoreThreshold: scoreThreshold ?? null,
      filter,
      exclude: target.exclude,
      fields: projection.fields,
    },
    signal,
  )
  return hitsOf(result, projection)
}

export function vectorIndex(using: string | undefined, schema: readonly ResolvedVector[]): number {
  if (using === undefined || using === null) {
    if (schema.length === 1) return 0
    throw invalid(
      'using',
      `expected one of ${schema.map(({ name }) => name).join(', ')}: the collection has several vectors`,
    )
  }
  const index = schema.findIndex((vector) => vector.name === using)
  if (index < 0) throw invalid('using', 'Not existing vector name', using)
  return index
}

export function bounded(value: unknown, least: number, most: number, field: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(field, `expected an integer from ${least} to ${most}`, value)
  }
  return value
}

async function queryVector(
  shard: Shard,
  schema: readonly ResolvedVector[],
  vector: number,
  query: Vector | PointId,
): Promise<{ vector: Float32Array; exclude: Uint32Array | null }> {
  const { size, name } = schema[vector] as ResolvedVector
  if (typeof query === 'object' && query !== null) return { vector: checkVector(query, size), exclude: null }
  const id = new Uint32Array(ID_WORDS)
  encodeId(query, id, 0, 'query')
  const stored = await shard.retrieve(id, { ...NO_FIELDS, vectors: Uint32Array.of(vector) })
  if (stored.count === 0) throw notFound('point with id', query)
  const column = stored.vectors[0] as { data: Float32Array; present: Uint8Array }
  if (!column.present[0]) throw notFound(`vector ${JSON.stringify(name || UNNAMED_VECTOR)} of point`, query)
  return { vector: column.data, exclude: id }
}

/** A query vector as float32: the caller's own array is not kept. */
function checkVector(query: Vector, dim: number): Float32Array {
  if (query.length !== dim) throw invalid('query', `Vector dimension error: expected dim: ${dim}`, query.length)
  const vector = new Float32Array(dim)
  for (let i = 0; i < dim; i++) {
    const value: unknown = query[i]
    if (typeof value !== 'number') throw invalid(`query[${i}]`, 'expected a number', value)
    vector[i] = value
    if (!Number.isFinite(vector[i])) throw invalid(`query[${i}]`, 'expected a finite 32-bit float', value)
  }
  return vector
}

function hitsOf<P>(result: SearchResult, projection: Projection): Hit<P>[] {
  const reader = new RowReader(result, projection)
  const hits: Hit<P>[] = new Array(result.count)
  for (let i = 0; i < result.count; i++) {
    const { id, payload, vector } = reader.point<P>(i)
    const hit: Hit<P> = { id, version: reader.version(i), score: result.scores[i] as number }
    if (payload !== undefined) hit.payload = payload
    if (vector !== undefined) hit.vector = vector
    hits[i] = hit
  }
  return hits
}
