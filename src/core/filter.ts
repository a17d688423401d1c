import { LIMITS } from './limits.js'
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

/**
 * Whether no condition is in the filter, so that it matches every point. Of values that are no filter it is false: their
 * parser refuses them, and those nested too deep.
 */
export function hasNoConditions(filter: unknown, depth = 0): boolean {
  if (filter === null || filter === undefined) return true
  if (typeof filter !== 'object' || depth > LIMITS.filterDepth) return false
  if (Array.isArray(filter)) return filter.every((condition) => hasNoConditions(condition, depth + 1))
  return Object.entries(filter).every(
    ([clause, value]) =>
      CLAUSES.has(clause) && hasNoConditions(clause === 'min_should' ? value?.conditions : value, depth),
  )
}

const CLAUSES = new Set(['must', 'should', 'must_not', 'min_should'])

export type Condition =
  | Filter
  | FieldCondition
  | IsEmptyCondition
  | IsNullCondition
  | HasIdCondition
  | HasVectorCondition
  | SliceCondition
  | NestedCondition

/** Checks on the values at one key; of several, one has to hold. */
export interface FieldCondition {
  /** Path into the payload: `a.b`, `a[].b`, `a[0]`, `"quoted.key"`. */
  key: string
  match?: MatchCondition | null
  range?: RangeCondition | null
  geo_bounding_box?: GeoBoundingBox | null
  geo_radius?: GeoRadius | null
  geo_polygon?: GeoPolygon | null
  values_count?: { lt?: number | null; lte?: number | null; gt?: number | null; gte?: number | null } | null
  is_empty?: boolean | null
  is_null?: boolean | null
}

export type MatchCondition =
  | { value: string | number | bigint | boolean }
  | { any: readonly (string | number | bigint)[] }
  | { except: readonly (string | number | bigint)[] }
  /** Every token; a substring where the field has no text index. */
  | { text: string }
  /** One of the tokens. */
  | { text_any: string }
  /** The tokens one after the other; a substring where the field has no text index. */
  | { phrase: string }
  /** Texts that start so. */
  | { prefix: string }

export interface GeoPoint {
  /** Degrees, -180 to 180. */
  lon: number
  /** Degrees, -90 to 90. */
  lat: number
}

/** Points inside, not those on its border. With `top_left.lon` above `bottom_right.lon` it crosses the antimeridian. */
export interface GeoBoundingBox {
  top_left: GeoPoint
  bottom_right: GeoPoint
}

export interface GeoRadius {
  center: GeoPoint
  /** Metres; points nearer than this. */
  radius: number
}

/** Points inside the exterior ring and outside of every interior one. */
export interface GeoPolygon {
  exterior: GeoLineString
  interiors?: readonly GeoLineString[] | null
}

/** A closed ring: at least four points, the last one the first again. */
export interface GeoLineString {
  points: readonly GeoPoint[]
}

/** Bounds are all numbers, or all date-times: RFC 3339 texts or Dates. */
export interface RangeCondition {
  lt?: number | string | Date | null
  lte?: number | string | Date | null
  gt?: number | string | Date | null
  gte?: number | string | Date | null
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
/** The points whose id hashes to `index` of `total` equal parts. */
export interface SliceCondition {
  slice: { total: number; index: number }
}
export interface NestedCondition {
  nested: { key: string; filter: Filter }
}
