/** Bodies of the search, recommend and discover paths that clients before 1.16 use: queries in older words. */

import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { QueryGroupsOptions, QueryOptions, QueryStage } from '../core/query.js'
import {
  arrayAt,
  integerAt,
  isObject,
  isPresent,
  objectAt,
  textAt,
  type WireObject,
  withPayloadAt,
  withVectorOf,
} from './fields.js'
import { explainOf, groupingOf } from './query.js'
import { inputAt, pairsAt, recommendAt, stageOf } from './stage.js'

const DEFAULT_LIMIT = 10

export type LegacyQuery = (body: WireObject, at?: string) => QueryStage

/** `vector` is a vector of the only name there is, or `{ name, vector }`. */
export const searchOf: LegacyQuery = (body, at = '') => {
  const stage = sharedOf(body, at)
  const { vector } = body
  if (isObject(vector) && 'name' in vector) {
    stage.using = textAt(vector.name, `${at}vector.name`)
    stage.query = inputAt(vector.vector, `${at}vector.vector`)
  } else if (isPresent(vector)) stage.query = inputAt(vector, `${at}vector`)
  else throw invalid(`${at}vector`, 'expected a vector, or an object with its name and the vector', vector)
  return stage
}

export const recommendOf: LegacyQuery = (body, at = '') => {
  return { ...sharedOf(body, at), query: { recommend: recommendAt(body, at.replace(/\.$/, '')) } }
}

/** A target, pairs, or both. */
export const discoverOf: LegacyQuery = (body, at = '') => {
  const { target, context } = body
  const pairs = pairsAt(context, `${at}context`)
  if (!isPresent(target) && pairs.length === 0) {
    throw invalid(`${at}target`, 'target and/or context_pairs must be specified')
  }
  const query = isPresent(target)
    ? { discover: { target: inputAt(target, `${at}target`), context: pairs } }
    : { context: pairs }
  return { ...sharedOf(body, at), query }
}

function sharedOf(body: WireObject, at: string): QueryStage {
  return stageOf({ ...body, query: null, prefetch: null }, at)
}

export function legacyQueryOf(body: WireObject, read: LegacyQuery, at = ''): QueryOptions {
  const options: QueryOptions = {
    limit: DEFAULT_LIMIT,
    ...read(body, at),
    withPayload: withPayloadAt(body.with_payload, false),
    withVector: withVectorOf(body),
    rawPayload: true,
  }
  if (isPresent(body.offset)) options.offset = integerAt(body.offset, 0, LIMITS.resultLimit, `${at}offset`)
  return options
}

/** Each with whether it is to be explained. */
export function legacyQueriesOf(body: WireObject, read: LegacyQuery): { query: QueryOptions; explain: boolean }[] {
  const searches = arrayAt(body.searches, 'searches')
  if (searches.length > LIMITS.batchQueries) {
    throw invalid('searches', `expected at most ${LIMITS.batchQueries} searches`, searches.length)
  }
  return searches.map((one, i) => {
    const fields = objectAt(one, `searches[${i}]`)
    return { query: legacyQueryOf(fields, read, `searches[${i}].`), explain: explainOf(fields) }
  })
}

export function legacyGroupsOf(body: WireObject, read: LegacyQuery): QueryGroupsOptions {
  return { ...legacyQueryOf({ ...body, offset: null }, read), ...groupingOf(body) }
}
