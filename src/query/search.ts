import type { Awaitable } from '../core/awaitable.js'
import type { Explained, Hit, QuantizationParams, QueryOptions } from '../core/database.js'
import { invalid, notFound } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { encodeId, ID_WORDS, type MultiVector, type PointId, UNNAMED_VECTOR, type Vector } from '../core/point.js'
import type { ResolvedVector } from '../core/schema.js'
import { compileFilter } from '../filter/program.js'
import type { CodeUse, SearchResult, VectorRows } from '../native/addon.js'
import type { Cancellable, Shard } from '../native/shard.js'
import { roundQuery } from '../native/vectors.js'
import { planOf } from './explain.js'
import { type Projection, projectionOf, RowReader } from './rows.js'

const DEFAULT_LIMIT = 10
const DEFAULT_RECALL = 0.95
const NO_FIELDS = { payload: false }

/** Nearest neighbours of a vector, or of a stored point (which is left out). */
export function search<P>(
  shard: Shard,
  schema: readonly ResolvedVector[],
  options: QueryOptions,
  scope?: Cancellable,
): Awaitable<Hit<P>[]> {
  return searchAs(shard, schema, options, scope, false, hitsOf<P>)
}

/** The same, and how it was done. */
export function explainSearch<P>(
  shard: Shard,
  schema: readonly ResolvedVector[],
  options: QueryOptions,
  scope?: Cancellable,
): Awaitable<Explained<P>> {
  const isFiltered = Boolean(options.filter)
  return searchAs(shard, schema, options, scope, true, (result, projection) => ({
    hits: hitsOf<P>(result, projection),
    plan: planOf(result, isFiltered),
  }))
}

function searchAs<T>(
  shard: Shard,
  schema: readonly ResolvedVector[],
  options: QueryOptions,
  scope: Cancellable | undefined,
  explain: boolean,
  answerOf: (result: SearchResult, projection: Projection) => T,
): Awaitable<T> {
  const vector = vectorIndex(options.using, schema)
  const limit = bounded(options.limit ?? DEFAULT_LIMIT, 1, LIMITS.resultLimit, 'limit')
  const offset = bounded(options.offset ?? 0, 0, LIMITS.resultLimit, 'offset')
  if (offset + limit > LIMITS.resultLimit)
    throw invalid('offset', `expected offset + limit of at most ${LIMITS.resultLimit}`, offset + limit)
  const { hnsw_ef, exact, indexed_only, quantization } = options.params ?? {}
  const ef = hnsw_ef === undefined ? 0 : bounded(hnsw_ef, 1, LIMITS.ef, 'params.hnsw_ef')
  const recall = share(options.recall ?? DEFAULT_RECALL, 'params.recall')
  const codes = codeUseOf(quantization)
  const { scoreThreshold } = options
  if (scoreThreshold !== undefined && !Number.isFinite(scoreThreshold))
    throw invalid('score_threshold', 'expected a finite number', scoreThreshold)
  const filter = options.filter ? compileFilter(options.filter, { vectorNames: schema.map(({ name }) => name) }) : null
  const projection = projectionOf(options, schema)
  const searched = schema[vector] as ResolvedVector
  const run = (target: Target): Awaitable<T> => {
    const request = {
      vector,
      query: roundQuery(target.vector, searched.size, searched.datatype ?? 'float32'),
      limit,
      offset,
      ef,
      recall,
      exact: exact === true || (ef === 0 && recall === 1),
      ...(codes ? { codes } : {}),
      indexedOnly: indexed_only === true,
      scoreThreshold: scoreThreshold ?? null,
      filter,
      exclude: target.exclude,
      fields: projection.fields,
      explain,
    }
    const found = shard.search(request, scope)
    return found instanceof Promise ? found.then((result) => answerOf(result, projection)) : answerOf(found, projection)
  }
  const query = options.query as Vector | MultiVector | PointId
  return typeof query === 'object'
    ? run(givenTarget(query, searched))
    : storedTarget(shard, schema, vector, query).then(run)
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

function share(value: unknown, field: string): number {
  if (typeof value !== 'number' || !(value > 0 && value <= 1)) {
    throw invalid(field, 'expected a number above 0 and at most 1', value)
  }
  return value
}

/** Null where nothing is asked of codes. */
function codeUseOf(asked: QuantizationParams | null | undefined): CodeUse | null {
  if (asked === undefined || asked === null) return null
  if (typeof asked !== 'object') throw invalid('params.quantization', 'expected an object', asked)
  const { oversampling } = asked
  const isGiven = oversampling !== undefined && oversampling !== null
  if (isGiven && !(typeof oversampling === 'number' && oversampling >= 1 && oversampling <= LIMITS.oversampling)) {
    const expected = `expected a number from 1 to ${LIMITS.oversampling}`
    throw invalid('params.quantization.oversampling', expected, oversampling)
  }
  return {
    ignore: flag(asked.ignore ?? false, 'params.quantization.ignore'),
    rescore: flag(asked.rescore ?? true, 'params.quantization.rescore'),
    oversampling: oversampling ?? 0,
  }
}

function flag(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw invalid(field, 'expected true or false', value)
  return value
}

/** What neighbours are asked for, and the ids never to return. */
interface Target {
  vector: Float32Array
  exclude: Uint32Array | null
}

async function storedTarget(
  shard: Shard,
  schema: readonly ResolvedVector[],
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

/** A query vector as float32: the caller's own array is not kept. */
function givenTarget(query: Vector | MultiVector, { size, multivectorConfig }: ResolvedVector): Target {
  if (!multivectorConfig || !Array.isArray(query) || typeof query[0] === 'number') {
    return { vector: givenVector(query as Vector, size, 'query'), exclude: null }
  }
  if (query.length === 0) throw invalid('query', 'expected at least one vector', query)
  if (query.length * size > LIMITS.multivectorFloats) {
    throw invalid(
      'query',
      `expected at most ${LIMITS.multivectorFloats} numbers in all its vectors`,
      query.length * size,
    )
  }
  const vector = new Float32Array(query.length * size)
  for (let i = 0; i < query.length; i++) {
    const one = query[i] as unknown as Vector
    if (!Array.isArray(one) && !(one instanceof Float32Array)) {
      throw invalid(`query[${i}]`, `expected a vector of ${size} numbers`, one)
    }
    vector.set(givenVector(one, size, `query[${i}]`), i * size)
  }
  return { vector, exclude: null }
}

function givenVector(query: Vector, dim: number, field: string): Float32Array {
  if (query.length !== dim) throw invalid(field, `Vector dimension error: expected dim: ${dim}`, query.length)
  const vector = new Float32Array(dim)
  for (let i = 0; i < dim; i++) {
    const value: unknown = query[i]
    if (typeof value !== 'number') throw invalid(`${field}[${i}]`, 'expected a number', value)
    vector[i] = value
    if (!Number.isFinite(vector[i])) throw invalid(`${field}[${i}]`, 'expected a finite 32-bit float', value)
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
