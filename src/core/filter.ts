import type { PointId } from './point.js'

/**
 * A filter in the words of Qdrant's REST API; the library takes the same shape. Clauses of one filter are
 * joined by AND.
 */
export interface Filter {
  must?: Condition | readonly Condition[] | null
  should?: Condition | readonly Condition[] | null
  must_not?: Condition | readonly Condition[] | null
  min_should?: { conditions: readonly Condition[]; min_count: number } | null
}

export type Condition =
  | Filter
  | FieldCondition
  | IsEmptyCondition
  | IsNullCondition
  | HasIdCondition
  | HasVectorCondition
  | NestedCondition

export interface FieldCondition {
  /** Path into the payload: `a.b`, `a[].b`, `a[0]`, `"quoted.key"`. */
  key: string
  match?: MatchCondition | null
  range?: RangeCondition | null
  values_count?: { lt?: number | null; lte?: number | null; gt?: number | null; gte?: number | null } | null
  is_empty?: boolean | null
  is_null?: boolean | null
}

export type MatchCondition =
  | { value: string | number | bigint | boolean }
  | { any: readonly (string | number | bigint)[] }
  | { except: readonly (string | number | bigint)[] }

/** Bounds are all numbers or all RFC 3339 date-times. */
export interface RangeCondition {
  lt?: number | string | null
  lte?: number | string | null
  gt?: number | string | null
  gte?: number | string | null
}

export interface IsEmptyCondition {
  is_empty: { key: string }
}
export interface IsNullCondition {
  is_null: { key: string }
}
export interface HasIdCondition {
  has_id: readonly PointId[]
}
export interface HasVectorCondition {
  has_vector: string
}
export interface NestedCondition {
  nested: { key: string; filter: Filter }
}
