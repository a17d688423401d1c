import type { QueryOptions, ScrollOptions } from '../../core/database.js'
import type { Filter } from '../../core/filter.js'
import { LIMITS } from '../../core/limits.js'
import type { FormulaQuery, QueryGroupsOptions, QueryStage, SearchMatrixOptions } from '../../core/query.js'
import { DEFAULT_NEIGHBOURS, DEFAULT_SAMPLE } from '../../query/matrix.js'
import type { StrictMode } from './strict-mode.js'

const DEFAULT_LIMIT = 10
/** Queries that look at no vector. */
const WITHOUT_VECTORS = ['fusion', 'rrf', 'orderBy', 'formula', 'sample']

/** What strict mode has to say of one query. Everything a query may ask for that is bounded is looked at here. */
export function checkQuery(query: QueryOptions, strict: StrictMode): void {
  checkStage(query, strict, 0, { stages: 0 })
}

/** Of the query and how its points are put together: all points of all groups count, `rows` of them. */
export function checkGroups(query: QueryGroupsOptions, rows: number, strict: StrictMode): void {
  strict.grouping(query.groupBy)
  checkStage({ ...query, limit: rows }, strict, 0, { stages: 0 })
}

/** Of the query and of each prefetch; too many of them, or too deep, are refused by whoever parses the query. */
function checkStage(stage: QueryStage, strict: StrictMode, depth: number, seen: { stages: number }): void {
  if (seen.stages++ > LIMITS.prefetches) return
  const { limit = DEFAULT_LIMIT, filter, params, recall, prefetch } = stage
  const prefetches: QueryStage[] = (Array.isArray(prefetch) ? prefetch : [prefetch]).filter(isObject)
  if (depth < LIMITS.prefetchDepth) for (const one of prefetches) checkStage(one, strict, depth + 1, seen)
  strict.limit(limit, 'maxQueryLimit', 'limit')
  strict.filter(filter, 'retrieve')
  strict.filter(params?.idf && params.idf !== 'global' ? params.idf.corpus : null, 'retrieve', 'params.idf.corpus')
  if (isFormula(stage.query)) strict.formula(stage.query)
  // What prefetches have found needs no graph to be scored. Qdrant says so of the query itself, and of no prefetch.
  if (isByVector(stage.query) && (depth > 0 || prefetches.length === 0)) strict.fullScan(stage.using, filter)
  // A recall of 1 looks at every vector.
  strict.exact(params?.exact === true || (recall === 1 && params?.hnsw_ef === undefined))
  strict.limit(params?.hnsw_ef, 'searchMaxHnswEf', 'hnsw_ef')
  strict.limit(params?.quantization?.oversampling, 'searchMaxOversampling', 'oversampling')
}

function isFormula(query: unknown): query is FormulaQuery {
  return isObject(query) && 'formula' in query
}

function isByVector(query: unknown): boolean {
  if (query === undefined || query === null) return false
  return !isObject(query) || !WITHOUT_VECTORS.some((kind) => kind in query)
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}

export function checkQueries(queries: readonly QueryOptions[], strict: StrictMode): void {
  strict.limit(queries.length, 'searchMaxBatchsize', 'search batch size')
  for (const query of queries) checkQuery(query, strict)
}

/** Neighbours of all points that are drawn count. */
export function checkMatrix({ limit, sample, filter }: SearchMatrixOptions, strict: StrictMode): void {
  strict.limit((limit ?? DEFAULT_NEIGHBOURS) * (sample ?? DEFAULT_SAMPLE), 'maxQueryLimit', 'limit')
  strict.filter(filter, 'retrieve')
}

export function checkScroll({ limit = DEFAULT_LIMIT, filter }: ScrollOptions, strict: StrictMode): void {
  strict.limit(limit, 'maxQueryLimit', 'limit')
  strict.filter(filter, 'retrieve')
}

/** A count is exact unless it is asked not to be. */
export function checkCount(
  { filter, exact = true }: { filter?: Filter | null; exact?: boolean },
  strict: StrictMode,
): void {
  strict.filter(filter, 'retrieve')
  strict.exact(exact)
}
