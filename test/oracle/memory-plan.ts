import type { QueryOptions } from '../../src/core/database.js'
import { invalid } from '../../src/core/errors.js'
import type { Filter } from '../../src/core/filter.js'
import type { QueryPlan } from '../../src/core/query-plan.js'
import type { CollectionConfig } from '../../src/core/schema.js'

const MAX_OVERSAMPLING = 1024

/** Checks the requested effort; the oracle always searches exactly. */
export function checkEffort({ recall = 1, params }: QueryOptions): void {
  if (!(recall > 0 && recall <= 1)) throw invalid('params.recall', 'expected a number above 0 and at most 1', recall)
  const { enable, maxSelectivity: selectivity } = params?.acorn ?? {}
  if (![undefined, null, true, false].includes(enable)) throw invalid('params.acorn.enable', 'expected true or false')
  if (selectivity !== undefined && !(selectivity >= 0 && selectivity <= 1)) {
    throw invalid('params.acorn.maxSelectivity', 'expected a number from 0 to 1', selectivity)
  }
  const { oversampling = null } = params?.quantization ?? {}
  if (oversampling === null) return
  if (typeof oversampling === 'number' && oversampling >= 1 && oversampling <= MAX_OVERSAMPLING) return
  throw invalid('params.quantization.oversampling', `expected a number from 1 to ${MAX_OVERSAMPLING}`, oversampling)
}

/** The recall that a search goes for, told of dense vectors alone. */
export function askedRecall(
  { query = null, using = '', recall, params }: QueryOptions,
  { vectors, hnswConfig }: CollectionConfig,
): Pick<QueryPlan, 'askedRecall'> {
  const searched = vectors.find(({ name }) => name === using)
  if (query === null || !searched || params?.exact || params?.hnswEf !== undefined) return {}
  const byDefault = searched.overrides.hnswConfig?.recall ?? hnswConfig.recall ?? 0.95
  return { askedRecall: recall ?? params?.recall ?? byDefault }
}

export function hasConditions(filter: Filter | null | undefined): filter is Filter {
  return Object.values(filter ?? {}).some((conditions) => !Array.isArray(conditions) || conditions.length > 0)
}

/** The plan of a stage above other plans. */
export function planAbove(stage: 'groups' | 'matrix', returned: number, prefetch: QueryPlan[]): QueryPlan {
  return { ...planOfScan(0, null, 'ids', returned), stage, prefetch }
}

/** The plan of a scan: the oracle compares all points, or all matches. */
export function planOfScan(
  points: number,
  matches: number | null,
  stage: 'nearest' | 'ids',
  returned: number,
): QueryPlan {
  const isSearch = stage === 'nearest'
  const selectivity = matches === null ? null : matches / Math.max(1, points)
  const findings = {
    strategy: 'scan',
    why: 'there is nothing else',
    expectedRecall: 1,
    estimatedMatches: isSearch ? matches : null,
    selectivity: isSearch ? selectivity : null,
    trueMatches: matches,
    trueSelectivity: selectivity,
    verticesVisited: 0,
    distancesComputed: isSearch ? (matches ?? points) : 0,
    rescored: 0,
    bytesRead: 0,
    payloadBytesRead: 0,
    tookUs: 0,
  }
  const segments =
    isSearch && points > 0 ? [{ segment: 0, points, codes: 'none' as const, effort: null, ...findings }] : []
  return { stage, returned, rowBytes: { payload: 0, vectors: 0 }, prefetch: [], ...findings, segments }
}
