/** The cost of a query for rate limits, as Qdrant counts it. */
import type { QueryOptions } from '../core/query.js'
import { isSparse, type SchemaVector } from '../core/schema.js'
import { factsOf } from '../filter/filter-facts.js'
import { targetOf } from './examples.js'
import { planned } from './parse-query.js'
import { examplesOf, type Stage, type VectorValue } from './plan.js'
import { References } from './references.js'
import type { QueryScope } from './source.js'

/** Indices of a sparse vector that cost as much as one dense vector. */
const INDICES_PER_VECTOR = 64

/**
 * The sum over the query's searches and scrolls: vectors that are compared with each point, and conditions of the
 * filter. Stages that merge or rescore the points of prefetches cost nothing. Fetches the vectors that are named by id.
 */
export async function costOfQuery(query: QueryOptions, scope: QueryScope): Promise<number> {
  const { plan, references } = await planned(query, scope)
  return costOfStage(plan.root, references ?? (await References.of(plan, scope)), scope.source.schema)
}

function costOfStage(stage: Stage, references: References, schema: readonly SchemaVector[]): number {
  if (stage.prefetches.length > 0)
    return stage.prefetches.reduce((sum, prefetch) => sum + costOfStage(prefetch, references, schema), 0)
  const { conditions } = factsOf(stage.filter ? [stage.filter] : [])
  const { scoring } = stage
  if (!('vector' in scoring)) return 1 + conditions
  const vector = schema[scoring.vector] as SchemaVector
  return comparedBy(stage, references, vector).reduce((sum, one) => sum + costOfVector(one, vector), conditions)
}

function comparedBy(stage: Stage, references: References, vector: SchemaVector): VectorValue[] {
  const { scoring } = stage
  if (scoring.kind === 'recommend' && scoring.strategy === 'average_vector') {
    const average = targetOf(stage, scoring, references, vector)
    if ('query' in average) return [average.query]
    if ('sparse' in average) return [average.sparse]
  }
  return examplesOf(scoring).flatMap((example) => references.find(stage, example) ?? [])
}

function costOfVector(value: VectorValue, vector: SchemaVector): number {
  if (!(value instanceof Float32Array)) return Math.ceil(value.indices.length / INDICES_PER_VECTOR)
  return isSparse(vector) || !vector.multivectorConfig ? 1 : value.length / vector.size
}
