/** Queries of the Database interface as bodies of the service. Keys are checked here, values by the service. */
import { invalid } from '../core/errors.js'
import { Expression } from '../core/formula.js'
import { checkDocument } from '../core/known-points.js'
import { checkLookup, checkParams, checkPrefetch, checkWithLookup, queryKind } from '../core/known-query.js'
import { LIMITS } from '../core/limits.js'
import type { Vector } from '../core/point.js'
import type {
  FacetOptions,
  Query,
  QueryGroupsOptions,
  QueryOptions,
  QueryStage,
  SearchMatrixOptions,
} from '../core/query.js'
import { Reading } from '../core/vocabulary/reading.js'
import { spelled } from '../core/vocabulary/spelled.js'
import { fieldsBody, filterBody, isVector, orderByBody, vectorBody } from './requests.js'

const spellFormula = spelled(Expression)

type Fields = Readonly<Record<string, unknown>>

export function queryBody(options: QueryOptions): object {
  return { ...fieldsBody(options), ...stageBody(options), offset: options.offset }
}

export function queryGroupsBody(options: QueryGroupsOptions): object {
  const { groupBy, groupSize, withLookup } = options
  checkWithLookup(withLookup)
  return {
    ...fieldsBody(options),
    ...stageBody(options),
    group_by: groupBy,
    group_size: groupSize,
    with_lookup: isFields(withLookup)
      ? {
          collection: withLookup.collection,
          with_payload: withLookup.withPayload,
          with_vectors: withLookup.withVectors,
        }
      : withLookup,
  }
}

export function facetBody({ key, filter, limit, exact }: FacetOptions): object {
  return { key, filter: filterBody(filter), limit, exact: exact ?? undefined }
}

export function matrixBody({ filter, sample, limit, using }: SearchMatrixOptions): object {
  return { filter: filterBody(filter), sample, limit, using }
}

/** `at` is where the stage lies, with a dot behind it. */
function stageBody(stage: QueryStage, at = '', depth = 0): object {
  const { query, prefetch, using, filter, limit, scoreThreshold, params, lookupFrom } = stage
  checkParams(params, at)
  checkLookup(lookupFrom, at)
  return {
    query: query === undefined || query === null ? undefined : queryValue(query, `${at}query`),
    prefetch: prefetchBody(prefetch, at, depth),
    using,
    filter: filterBody(filter, `${at}filter`),
    limit,
    score_threshold: scoreThreshold,
    params: paramsBody(stage, at),
    lookup_from: lookupFrom ?? undefined,
  }
}

function paramsBody({ params, recall }: QueryStage, at: string): object | undefined {
  if (recall === undefined && (params ?? undefined) === undefined) return undefined
  const { idf } = params ?? {}
  if (!isFields(idf) || !isFields(idf.corpus))
    return recall === undefined ? (params ?? undefined) : { ...params, recall }
  return { ...params, idf: { corpus: filterBody(idf.corpus, `${at}params.idf.corpus`) }, recall }
}

function prefetchBody(prefetch: QueryStage['prefetch'], at: string, depth: number): unknown {
  if (prefetch === undefined || prefetch === null) return undefined
  if (depth >= LIMITS.prefetchDepth) throw invalid('prefetch', `expected at most ${LIMITS.prefetchDepth} nested levels`)
  const list: readonly QueryStage[] = Array.isArray(prefetch) ? prefetch : [prefetch]
  return list.map((one, i) => {
    const place = `${at}prefetch[${i}].`
    checkPrefetch(one, place)
    return stageBody(one, place, depth + 1)
  })
}

function queryValue(query: Query, field: string): unknown {
  if (!isFields(query) || isInput(query)) return inputBody(query, field)
  queryKind(query, field)
  const { nearest, mmr, recommend, discover, context, orderBy, relevanceFeedback, formula, ...others } = query as Fields
  return {
    ...others,
    formula: spellFormula(formula, { parent: null, key: `${field}.formula` }, new Reading('library', field)),
    nearest: inputBody(nearest, `${field}.nearest`),
    mmr: isFields(mmr) ? { diversity: mmr.diversity, candidates_limit: mmr.candidatesLimit } : mmr,
    recommend: recommendBody(recommend, `${field}.recommend`),
    discover: isFields(discover)
      ? {
          target: inputBody(discover.target, `${field}.discover.target`),
          context: pairsBody(discover.context, `${field}.discover.context`),
        }
      : discover,
    context: pairsBody(context, `${field}.context`),
    order_by: orderBy === undefined ? undefined : orderByBody(orderBy as string),
    relevance_feedback: feedbackBody(relevanceFeedback, `${field}.relevance_feedback`),
  }
}

function recommendBody(recommend: unknown, field: string): unknown {
  if (!isFields(recommend)) return recommend
  const { positive, negative, strategy } = recommend
  return {
    positive: inputsBody(positive, `${field}.positive`),
    negative: inputsBody(negative, `${field}.negative`),
    strategy,
  }
}

function inputsBody(inputs: unknown, field: string): unknown {
  return Array.isArray(inputs) ? inputs.map((input, i) => inputBody(input, `${field}[${i}]`)) : inputs
}

function pairsBody(context: unknown, field: string): unknown {
  if (Array.isArray(context)) return context.map((pair, i) => pairsBody(pair, `${field}[${i}]`))
  if (!isFields(context)) return context
  const { positive, negative } = context
  return { positive: inputBody(positive, `${field}.positive`), negative: inputBody(negative, `${field}.negative`) }
}

function feedbackBody(query: unknown, field: string): unknown {
  if (!isFields(query)) return query
  const { target, feedback, strategy } = query
  const items = Array.isArray(feedback)
    ? feedback.map((item: unknown, i) => {
        if (!isFields(item)) return item
        return { example: inputBody(item.example, `${field}.feedback[${i}].example`), score: item.score }
      })
    : feedback
  return { target: inputBody(target, `${field}.target`), feedback: items, strategy }
}

function inputBody(input: unknown, field: string): unknown {
  checkDocument(input, field)
  return isVector(input) ? vectorBody(input as Vector, field) : input
}

/** Sparse vectors and documents, which pass as they are. */
function isInput(value: Fields): boolean {
  return 'indices' in value || 'values' in value || 'text' in value
}

function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !isVector(value)
}
