/** Bodies of reads: query, query batch, scroll, retrieve, count. Payloads are asked for as text throughout. */
import type { RetrieveOptions, ScrollOptions, WithPayload, WithVector } from '../core/database.js'
import { invalid } from '../core/errors.js'
import type { Filter } from '../core/filter.js'
import { LIMITS } from '../core/limits.js'
import type { PointId } from '../core/point.js'
import type {
  FacetOptions,
  OrderBy,
  QueryGroupsOptions,
  QueryOptions,
  SearchMatrixOptions,
  WithLookup,
} from '../core/query.js'
import {
  arrayAt,
  booleanAt,
  filterAt,
  idAt,
  idsAt,
  integerAt,
  isPresent,
  limitOf,
  objectAt,
  refuse,
  textAt,
  type WireObject,
  withPayloadAt,
  withVectorOf,
} from './fields.js'
import { orderByAt, stageOf } from './stage.js'

const DEFAULT_LIMIT = 10

/** `at` is where the query lies in a batch, with a dot behind it. */
export function queryOf(body: WireObject, at = ''): QueryOptions {
  refuse(body, ['shard_key'], at)
  const options: QueryOptions = {
    limit: DEFAULT_LIMIT,
    ...stageOf(body, at),
    withPayload: withPayloadAt(body.with_payload, false),
    withVector: withVectorOf(body),
    rawPayload: true,
  }
  if (isPresent(body.offset)) options.offset = integerAt(body.offset, 0, LIMITS.resultLimit, `${at}offset`)
  return options
}

export function queryGroupsOf(body: WireObject): QueryGroupsOptions {
  return { ...queryOf({ ...body, offset: null }), ...groupingOf(body) }
}

/** The options that make groups, of queries and of the older paths. */
export function groupingOf(body: WireObject): Pick<QueryGroupsOptions, 'groupBy' | 'groupSize' | 'withLookup'> {
  const { group_by: groupBy, group_size: groupSize, with_lookup: withLookup } = body
  return {
    groupBy: textAt(groupBy, 'group_by'),
    ...(isPresent(groupSize) ? { groupSize: integerAt(groupSize, 1, LIMITS.groupedPoints, 'group_size') } : {}),
    ...(isPresent(withLookup) ? { withLookup: withLookupAt(withLookup) } : {}),
  }
}

function withLookupAt(value: unknown): string | WithLookup {
  if (typeof value === 'string') return value
  const { collection, with_payload: payload, with_vectors: vectors } = objectAt(value, 'with_lookup')
  return {
    collection: textAt(collection, 'with_lookup.collection'),
    withPayload: withPayloadAt(payload, true) as WithPayload,
    withVectors: withVectorOf({ with_vector: vectors }) as WithVector,
  }
}

export function facetOf(body: WireObject): FacetOptions {
  refuse(body, ['shard_key'])
  const options: FacetOptions = { key: textAt(body.key, 'key'), limit: limitOf(body, DEFAULT_LIMIT) }
  if (isPresent(body.filter)) options.filter = filterAt(body.filter)
  if (isPresent(body.exact)) options.exact = booleanAt(body.exact, 'exact')
  return options
}

export function matrixOf(body: WireObject): SearchMatrixOptions {
  refuse(body, ['shard_key'])
  const options: SearchMatrixOptions = {}
  if (isPresent(body.filter)) options.filter = filterAt(body.filter)
  if (isPresent(body.sample)) options.sample = integerAt(body.sample, 2, LIMITS.matrixSample, 'sample')
  if (isPresent(body.limit)) options.limit = limitOf(body, 0)
  if (isPresent(body.using)) options.using = textAt(body.using, 'using')
  return options
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
    return { query: queryOf(fields, `searches[${i}].`), explain: explainOf(fields) }
  })
}

export function scrollOf(body: WireObject): ScrollOptions {
  refuse(body, ['shard_key'])
  const options: ScrollOptions = {
    limit: limitOf(body, DEFAULT_LIMIT),
    withPayload: withPayloadAt(body.with_payload, true),
    withVector: withVectorOf(body),
    rawPayload: true,
  }
  if (isPresent(body.filter)) options.filter = filterAt(body.filter)
  if (isPresent(body.offset)) options.offset = idAt(body.offset, 'offset')
  if (isPresent(body.order_by)) options.orderBy = orderByAt(body.order_by, 'order_by') as string | OrderBy
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
