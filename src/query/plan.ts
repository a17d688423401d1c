/**
 * A checked query with all defaults: a tree of stages. A stage without prefetches searches the collection. A stage with
 * prefetches fuses or rescores the points that they found.
 */
import type { PointId, StoredSparseVector } from '../core/point.js'
import type { RecommendStrategy } from '../core/query.js'
import type { FilterNode } from '../filter/node.js'
import type { PathStep } from '../filter/path.js'
import type { Formula } from './formula.js'
import type { Projection } from './rows.js'
import type { SearchSettings } from './search-settings.js'
import type { TextQuery } from './texts.js'

export interface Plan {
  root: Stage
  offset: number
  /** No point is behind the offset. */
  isPast?: boolean
  projection: Projection
  /** Where the query names points, by their ids: the first place of each. */
  places: ReadonlyMap<PointId, string>
}

export interface Stage {
  scoring: Scoring
  prefetches: Stage[]
  filter: FilterNode | null
  limit: number
  threshold: number | null
  settings: SearchSettings
  /** Filter whose matches define the IDF of sparse indices; null: all points. */
  corpus: FilterNode | null
  lookup: Lookup | null
}

/** A given vector, a text that becomes one, or the id of a stored point. */
export type Example = VectorValue | TextQuery | PointId
/** The vectors of a multivector are joined end to end. */
export type VectorValue = Float32Array | StoredSparseVector

export interface ExamplePair {
  positive: Example
  negative: Example
}

/** `vector` is the position of the vector in the schema. */
export type Scoring =
  | { kind: 'ids' }
  | { kind: 'nearest'; vector: number; target: Example; mmr: MmrSettings | null }
  | VectorsScoring
  | { kind: 'orderBy'; order: Order }
  | { kind: 'rrf'; k: number; weights: readonly number[] | null }
  | { kind: 'dbsf' }
  | { kind: 'formula'; formula: Formula }
  | { kind: 'sample' }

/** Scoring by several vectors. */
export type VectorsScoring =
  | {
      kind: 'recommend'
      vector: number
      strategy: RecommendStrategy
      positive: Example[]
      negative: Example[]
    }
  | { kind: 'discover'; vector: number; target: Example; pairs: ExamplePair[] }
  | { kind: 'context'; vector: number; pairs: ExamplePair[] }
  | {
      kind: 'feedback'
      vector: number
      target: Example
      feedback: { example: Example; score: number }[]
      naive: Naive
    }

export interface Naive {
  a: number
  b: number
  c: number
}

export interface MmrSettings {
  /** Weight of nearness to the query; the rest is the weight of diversity. */
  relevance: number
  candidates: number
}

export interface Order {
  key: string
  path: readonly PathStep[]
  descending: boolean
  /** A number, or microseconds of a date-time; null: from the beginning. */
  from: number | bigint | null
}

/** The collection whose vectors replace ids. */
export interface Lookup {
  collection: string
  vector: string | null
}

/** The examples of a stage, without its prefetches' examples. */
export function examplesOf(scoring: Scoring): Example[] {
  switch (scoring.kind) {
    case 'nearest':
      return [scoring.target]
    case 'recommend':
      return [...scoring.positive, ...scoring.negative]
    case 'discover':
      return [scoring.target, ...flat(scoring.pairs)]
    case 'context':
      return flat(scoring.pairs)
    case 'feedback':
      return [scoring.target, ...scoring.feedback.map(({ example }) => example)]
    default:
      return []
  }
}

function flat(pairs: readonly ExamplePair[]): Example[] {
  return pairs.flatMap(({ positive, negative }) => [positive, negative])
}
