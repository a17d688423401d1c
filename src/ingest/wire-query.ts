/** Bodies of reads: query, query batch, scroll, retrieve, count. Payloads are asked for as text throughout. */
import type { QuantizationParams, QueryOptions, QueryParams, RetrieveOptions, ScrollOptions } from '../core/database.js'
import { invalid } from '../core/errors.js'
import type { Filter } from '../core/filter.js'
import { LIMITS } from '../core/limits.js'
import type { MultiVector, PointId, Vector } from '../core/point.js'
import {
  arrayAt,
  booleanAt,
  bytesAt,
  filterAt,
  idAt,
  idsAt,
  integerAt,
  isObject,
  isPresent,
  limitOf,
  objectAt,
  refuse,
  textAt,
  unsupported,
  type WireObject,
  withPayloadAt,
  withVectorOf,
} from './wire-fields.js'
import { vectorAt } from './wire-points.js'

const DEFAULT_LIMIT = 10
const UNSUPPORTED_IN_QUERY = ['lookup_from', 'shard_key'] as const

export function queryOf(body: WireObject): QueryOptions {
  refuse(body, UNSUPPORTED_IN_QUERY)
  const { prefetch } = body
  if (isPresent(prefetch) && !(Array.isArray(prefetch) && prefetch.length === 0)) throw unsupported('prefetch')
  const options: QueryOptions = {
    limit: limitOf(body, DEFAULT_LIMIT),
    withPayload: withPayloadAt(body.with_payload, false),
    withVector: withVectorOf(body),
    rawPayload: true,
  }
  if (isPresent(body.query)) options.query = targetAt(body.query, 'query')
  if (isPresent(body.using)) options.using = textAt(body.using, 'using')
  if (isPresent(body.filter)) options.filter = filterAt(body.filter)
  if (isPresent(body.offset)) options.offset = integerAt(body.offset, 0, LIMITS.resultLimit, 'offset')
  if (isPresent(body.score_threshold)) options.scoreThreshold = finiteAt(body.score_threshold, 'score_threshold')
  if (isPresent(body.params)) {
    const params = objectAt(body.params, 'params')
    options.params = paramsOf(params)
    if (isPresent(params.recall)) options.recall = finiteAt(params.recall, 'params.recall')
  }
  return options
}

/** A vector, an id, or `{ nearest: ... }` of one of them. */
function targetAt(value: unknown, field: string): Vector | MultiVector | PointId {
  if (bytesAt(value) || Array.isArray(value)) return vectorAt(value, field)
  if (!isObject(value)) return idAt(value, field)
  if (!isPresent(value.nearest)) {
    const kind = Object.keys(value)[0]
    if (kind === undefined) throw invalid(field, 'expected a vector, an id or { nearest }', value)
    throw unsupported(`${field}.${kind}`)
  }
  refuse(value, ['mmr'], `${field}.`)
  const { nearest } = value
  if (isObject(nearest)) throw unsupported(`${field}.nearest.${Object.keys(nearest)[0] ?? ''}`)
  return targetAt(nearest, `${field}.nearest`)
}

function paramsOf(params: WireObject): QueryParams {
  const known: QueryParams = {}
  if (isPresent(params.hnsw_ef)) known.hnsw_ef = integerAt(params.hnsw_ef, 1, LIMITS.ef, 'params.hnsw_ef')
  if (isPresent(params.exact)) known.exact = booleanAt(params.exact, 'params.exact')
  if (isPresent(params.quantization)) {
    known.quantization = quantizationParamsOf(objectAt(params.quantization, 'params.quantization'))
  }
  if (isPresent(params.indexed_only)) known.indexed_only = booleanAt(params.indexed_only, 'params.indexed_only')
  return known
}

function quantizationParamsOf({ ignore, rescore, oversampling }: WireObject): QuantizationParams {
  const known: QuantizationParams = {}
  if (isPresent(ignore)) known.ignore = booleanAt(ignore, 'params.quantization.ignore')
  if (isPresent(rescore)) known.rescore = booleanAt(rescore, 'params.quantization.rescore')
  if (isPresent(oversampling)) known.oversampling = finiteAt(oversampling, 'params.quantization.oversampling')
  return known
}

function finiteAt(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, 'expected a finite number', value)
  return value
}

/** Ours: whether the answer is to say how it was found. */
export function explainOf({ explain }: WireObject): boolean {
  return isPresent(explain) ? booleanAt(explain, 'explain') : false
}

/** Each with whether it is to be explained. */
export function queriesOf(body: WireObject): { query: QueryOptions; explain: boolean }[] {
  const searches = arrayAt(body.searches, 'searches')
  if (searches.length > LIMITS.batchQueries) {
    throw invalid('searches', `expected at most ${LIMITS.batchQueries} searches`, searches.length)
  }
  return searches.map((search, i) => {
    const fields = objectAt(search, `searches[${i}]`)
    return { query: queryOf(fields), explain: explainOf(fields) }
  })
}

export function scrollOf(body: WireObject): ScrollOptions {
  refuse(body, ['order_by', 'shard_key'])
  const options: ScrollOptions = {
    limit: limitOf(body, DEFAULT_LIMIT),
    withPayload: withPayloadAt(body.with_payload, true),
    withVector: withVectorOf(body),
    rawPayload: true,
  }
  if (isPresent(body.filter)) options.filter = filterAt(body.filter)
  if (isPresent(body.offset)) options.offset = idAt(body.offset, 'offset')
  return options
}

export function retrieveOf(body: WireObject): { ids: readonly PointId[]; options: RetrieveOptions } {
  refuse(body, ['shard_key'])
  const ids = idsAt(body.ids, 'ids')
  if (ids.length > LIMITS.resultLimit) throw invalid('ids', `expected at most ${LIMITS.resultLimit} ids`, ids.length)
  return {
    ids: Array.isArray(ids) ? ids : Array.from(ids as BigUint64Array),
    options: {
      withPayload: withPayloadAt(body.with_payload, true),
      withVector: withVectorOf(body),
      rawPayload: true,
    },
  }
}

export function countOf(body: WireObject): { filter?: Filter; exact: boolean } {
  refuse(body, ['shard_key'])
  const exact = isPresent(body.exact) ? booleanAt(body.exact, 'exact') : true
  return isPresent(body.filter) ? { filter: filterAt(body.filter), exact } : { exact }
}
