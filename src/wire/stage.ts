/** The stages of a query body, from the wire's names to the library's. What values may be is the engine's to say. */
import type { QuantizationParams, QueryParams } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { Expression } from '../core/formula.js'
import { KNOWN_NAIVE, KNOWN_RRF } from '../core/known-query.js'
import { LIMITS } from '../core/limits.js'
import type {
  AcornParams,
  ContextPair,
  IdfParams,
  LookupLocation,
  Query,
  QueryStage,
  VectorInput,
} from '../core/query.js'
import { readerOf } from '../core/vocabulary/reader.js'
import { Reading } from '../core/vocabulary/reading.js'
import {
  arrayAt,
  booleanAt,
  bytesAt,
  filterAt,
  idAt,
  integerAt,
  isObject,
  isPresent,
  knownOf,
  objectAt,
  refuse,
  textAt,
  unsupported,
  type WireObject,
} from './fields.js'
import { INFERRED, namedVectorAt, vectorAt } from './points.js'

const readFormula = readerOf(Expression)
const KINDS = [
  'nearest',
  'recommend',
  'discover',
  'context',
  'order_by',
  'fusion',
  'rrf',
  'formula',
  'sample',
  'relevance_feedback',
] as const

/** Fields that a query and its prefetches share. `at` is where the stage lies, with a dot behind it. */
export function stageOf(body: WireObject, at = '', depth = 0): QueryStage {
  const stage: QueryStage = {}
  if (isPresent(body.query)) stage.query = queryAt(body.query, `${at}query`)
  const prefetch = prefetchAt(body.prefetch, at, depth)
  if (prefetch) stage.prefetch = prefetch
  if (isPresent(body.using)) stage.using = textAt(body.using, `${at}using`)
  if (isPresent(body.filter)) stage.filter = filterAt(body.filter, `${at}filter`)
  if (isPresent(body.limit)) stage.limit = integerAt(body.limit, 1, LIMITS.resultLimit, `${at}limit`)
  if (isPresent(body.score_threshold)) stage.scoreThreshold = finiteAt(body.score_threshold, `${at}score_threshold`)
  if (isPresent(body.lookup_from)) stage.lookupFrom = lookupAt(body.lookup_from, `${at}lookup_from`)
  if (isPresent(body.params)) {
    const params = objectAt(body.params, `${at}params`)
    stage.params = paramsOf(params, `${at}params`)
    if (isPresent(params.recall)) stage.recall = finiteAt(params.recall, `${at}params.recall`)
  }
  return stage
}

/** One prefetch or several; none where the list is empty. */
function prefetchAt(value: unknown, at: string, depth: number): QueryStage[] | null {
  if (!isPresent(value)) return null
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0) return null
  if (list.length > LIMITS.prefetches) {
    throw invalid(`${at}prefetch`, `expected at most ${LIMITS.prefetches} prefetches in all`, list.length)
  }
  if (depth >= LIMITS.prefetchDepth) throw invalid('prefetch', `expected at most ${LIMITS.prefetchDepth} nested levels`)
  return list.map((one, i) => {
    const field = `${at}prefetch[${i}]`
    return stageOf(objectAt(one, field), `${field}.`, depth + 1)
  })
}

function queryAt(value: unknown, field: string): Query {
  if (bytesAt(value) || !isObject(value)) return inputAt(value, field)
  const kinds = KINDS.filter((name) => isPresent(value[name]))
  const kind = kinds[0]
  if (kinds.length > 1) throw invalid(field, 'expected one kind of query', kinds.join(', '))
  if (!kind) {
    const empty = KINDS.find((name) => Object.hasOwn(value, name))
    if (empty) throw invalid(`${field}.${empty}`, 'expected a value', null)
    return inputAt(value, field)
  }
  const operand = value[kind]
  const place = `${field}.${kind}`
  switch (kind) {
    case 'nearest':
      return {
        nearest: inputAt(operand, place),
        ...(isPresent(value.mmr) ? { mmr: mmrAt(value.mmr, `${field}.mmr`) } : {}),
      }
    case 'recommend':
      return { recommend: recommendAt(objectAt(operand, place), place) }
    case 'discover': {
      const { target, context } = objectAt(operand, place)
      return { discover: { target: inputAt(target, `${place}.target`), context: pairsAt(context, `${place}.context`) } }
    }
    case 'context':
      return { context: pairsAt(operand, place) }
    case 'relevance_feedback':
      return feedbackAt(objectAt(operand, place), place)
    default:
      return plainQuery(kind, operand, value, place)
  }
}

/** Those that name no vectors, which pass as they are but for some names. */
function plainQuery(
  kind: 'order_by' | 'fusion' | 'rrf' | 'formula' | 'sample',
  operand: unknown,
  query: WireObject,
  field: string,
): Query {
  switch (kind) {
    case 'order_by':
      return { orderBy: orderByAt(operand, field) as string }
    case 'formula': {
      const formula = readFormula(operand, { parent: null, key: field }, new Reading('wire', field)) as Expression
      return isPresent(query.defaults) ? { formula, defaults: query.defaults as Record<string, unknown> } : { formula }
    }
    case 'rrf':
      return { rrf: knownOf(operand, KNOWN_RRF) } as Query
    default:
      return { [kind]: operand } as unknown as Query
  }
}

export function orderByAt(value: unknown, field: string): string | object {
  if (typeof value === 'string') return value
  const { key, direction, start_from: startFrom } = objectAt(value, field)
  return { key: textAt(key, `${field}.key`), direction, startFrom }
}

/** A vector, or an id. Sparse vectors and texts to embed come as objects with keys of their own. */
export function inputAt(value: unknown, field: string): VectorInput {
  if (bytesAt(value) || Array.isArray(value)) return vectorAt(value, field)
  if (!isObject(value)) return idAt(value, field)
  if ('indices' in value || 'values' in value || 'text' in value) return namedVectorAt(value, field)
  const inferred = INFERRED.find((name) => Object.hasOwn(value, name))
  if (inferred) throw unsupported(`${field}.${inferred}`)
  throw invalid(field, `expected a vector, an id or an object with one of ${KINDS.join(', ')}`, Object.keys(value)[0])
}

function inputsAt(value: unknown, field: string): VectorInput[] {
  return arrayAt(value, field).map((one, i) => inputAt(one, `${field}[${i}]`))
}

export function recommendAt({ positive, negative, strategy }: WireObject, field: string) {
  return {
    ...(isPresent(positive) ? { positive: inputsAt(positive, `${field}.positive`) } : {}),
    ...(isPresent(negative) ? { negative: inputsAt(negative, `${field}.negative`) } : {}),
    ...(isPresent(strategy) ? { strategy: textAt(strategy, `${field}.strategy`) as 'best_score' } : {}),
  }
}

export function pairsAt(value: unknown, field: string): ContextPair[] {
  if (!isPresent(value)) return []
  const pairs = Array.isArray(value) ? value : [value]
  return pairs.map((one, i) => {
    const place = Array.isArray(value) ? `${field}[${i}]` : field
    const { positive, negative } = objectAt(one, place)
    return { positive: inputAt(positive, `${place}.positive`), negative: inputAt(negative, `${place}.negative`) }
  })
}

function feedbackAt({ target, feedback, strategy }: WireObject, field: string): Query {
  const items = arrayAt(feedback, `${field}.feedback`).map((item, i) => {
    const place = `${field}.feedback[${i}]`
    const { example, score } = objectAt(item, place)
    return { example: inputAt(example, `${place}.example`), score: finiteAt(score, `${place}.score`) }
  })
  const naive = objectAt(objectAt(strategy, `${field}.strategy`).naive, `${field}.strategy.naive`)
  return {
    relevanceFeedback: {
      target: inputAt(target, `${field}.target`),
      feedback: items,
      strategy: { naive: knownOf(naive, KNOWN_NAIVE) as { a: number; b: number; c: number } },
    },
  }
}

function mmrAt(value: unknown, field: string) {
  const { diversity, candidates_limit: candidatesLimit } = objectAt(value, field)
  return { diversity: diversity as number | null, candidatesLimit: candidatesLimit as number | null }
}

export function lookupAt(value: unknown, field: string): LookupLocation {
  const { collection, vector, ...rest } = objectAt(value, field)
  refuse(rest, ['shard_key'], `${field}.`)
  const name = textAt(collection, `${field}.collection`)
  return isPresent(vector) ? { collection: name, vector: textAt(vector, `${field}.vector`) } : { collection: name }
}

export function paramsOf(params: WireObject, field = 'params'): QueryParams {
  const known: QueryParams = {}
  if (isPresent(params.hnsw_ef)) known.hnsw_ef = integerAt(params.hnsw_ef, 1, LIMITS.ef, `${field}.hnsw_ef`)
  if (isPresent(params.exact)) known.exact = booleanAt(params.exact, `${field}.exact`)
  if (isPresent(params.quantization)) {
    const place = `${field}.quantization`
    known.quantization = quantizationParamsOf(objectAt(params.quantization, place), place)
  }
  if (isPresent(params.indexed_only)) known.indexed_only = booleanAt(params.indexed_only, `${field}.indexed_only`)
  if (isPresent(params.acorn)) known.acorn = acornParamsOf(objectAt(params.acorn, `${field}.acorn`), `${field}.acorn`)
  if (isPresent(params.idf)) known.idf = idfAt(params.idf, `${field}.idf`)
  return known
}

function acornParamsOf({ enable, max_selectivity }: WireObject, field: string): AcornParams {
  const known: AcornParams = {}
  if (isPresent(enable)) known.enable = booleanAt(enable, `${field}.enable`)
  if (isPresent(max_selectivity)) known.max_selectivity = finiteAt(max_selectivity, `${field}.max_selectivity`)
  return known
}

/** How rare a word is: in the whole collection, or among the points that match a filter. */
function idfAt(idf: unknown, field: string): IdfParams {
  if (idf === 'global') return idf
  if (isObject(idf) && Object.hasOwn(idf, 'corpus')) return { corpus: filterAt(idf.corpus, `${field}.corpus`) }
  throw invalid(field, 'expected "global" or { corpus: a filter }', idf)
}

function quantizationParamsOf({ ignore, rescore, oversampling }: WireObject, field: string): QuantizationParams {
  const known: QuantizationParams = {}
  if (isPresent(ignore)) known.ignore = booleanAt(ignore, `${field}.ignore`)
  if (isPresent(rescore)) known.rescore = booleanAt(rescore, `${field}.rescore`)
  if (isPresent(oversampling)) known.oversampling = finiteAt(oversampling, `${field}.oversampling`)
  return known
}

export function finiteAt(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, 'expected a finite number', value)
  return value
}
