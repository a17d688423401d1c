import type { QueryOptions, ScrollOptions } from '../../core/database.js'
import type { Filter } from '../../core/filter.js'
import { LIMITS } from '../../core/limits.js'
import type { FormulaQuery, QueryGroupsOptions, QueryStage, SearchMatrixOptions } from '../../core/query.js'
import { DEFAULT_NEIGHBOURS, DEFAULT_SAMPLE } from '../../query/matrix.js'
import type { StrictMode } from './strict-mode.js'

const DEFAULT_LIMIT = 10
/** Queries that read no vector. */
const WITHOUT_VECTORS = ['fusion', 'rrf', 'orderBy', 'formula', 'sample']

/** Applies strict mode's bounds to one query. */
export function checkQuery(query: QueryOptions, strict: StrictMode): void {
  checkStage(query, strict, 0, { stages: 0 })
}

/** Applies the bounds to a grouped query; its limit is `rows`, the points of all groups together. */
export function checkGroups(query: QueryGroupsOptions, rows: number, strict: StrictMode): void {
  strict.grouping(query.groupBy)
  checkStage({ ...query, limit: rows }, strict, 0, { stages: 0 })
}

/** Checks the query and each prefetch. The query parser refuses too many prefetches and too deep ones. */
function checkStage(stage: QueryStage, strict: StrictMode, depth: number, seen: { stages: number }): void {
  if (seen.stages++ > LIMITS.prefetches) return
  const { limit = DEFAULT_LIMIT, filter, params, recall, prefetch } = stage
  const prefetches: QueryStage[] = (Array.isArray(prefetch) ? prefetch : [prefetch]).filter(isObject)
  if (depth < LIMITS.prefetchDepth) for (const one of prefetches) checkStage(one, strict, depth + 1, seen)
  strict.limit(limit, 'maxQueryLimit', 'limit')
  strict.filter(filter, 'retrieve')
  strict.filter(params?.idf && params.idf !== 'global' ? params.idf.corpus : null, 'retrieve', 'params.idf.corpus')
  if (isFormula(stage.query)) strict.formula(stage.query)
  // Scoring the hits of prefetches needs no graph. As in Qdrant this exempts the query itself, but no prefetch.
  if (isByVector(stage.query) && (depth > 0 || prefetches.length === 0)) strict.fullScan(stage.using, filter)
  // A recall of 1 scans every vector.
  strict.exact(params?.exact === true || ((recall ?? params?.recall) === 1 && params?.hnswEf === undefined))
  strict.limit(params?.hnswEf, 'searchMaxHnswEf', 'hnsw_ef')
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

/** The bound applies to the neighbours of all sampled points together. */
export function checkMatrix({ limit, sample, filter }: SearchMatrixOptions, strict: StrictMode): void {
  strict.limit((limit ?? DEFAULT_NEIGHBOURS) * (sample ?? DEFAULT_SAMPLE), 'maxQueryLimit', 'limit')
  strict.filter(filter, 'retrieve')
}

export function checkScroll({ limit = DEFAULT_LIMIT, filter }: ScrollOptions, strict: StrictMode): void {
  strict.limit(limit, 'maxQueryLimit', 'limit')
  strict.filter(filter, 'retrieve')
}

/** A count is exact by default. */
export function checkCount(
  { filter, exact = true }: { filter?: Filter | null; exact?: boolean },
  strict: StrictMode,
): void {
  strict.filter(filter, 'retrieve')
  strict.exact(exact)
}
