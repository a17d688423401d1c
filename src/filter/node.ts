import type { PathStep } from './path.js'

/** A filter as the kernel evaluates it: validated, with defaults filled in, one operator for each node. */
export type FilterNode =
  | { op: 'and' | 'or'; children: FilterNode[] }
  | { op: 'not'; child: FilterNode }
  | { op: 'atLeast'; count: number; children: FilterNode[] }
  | { op: 'match' | 'except'; path: PathStep[]; values: MatchValues }
  | { op: 'range' | 'dateRange' | 'count'; path: PathStep[]; bounds: Bounds }
  | { op: 'isEmpty' | 'isNull' | 'hasNull'; path: PathStep[] }
  | { op: 'startsWith'; path: PathStep[]; texts: string[] }
  | { op: 'text'; path: PathStep[]; mode: 'all' | 'any' | 'phrase'; text: string }
  | { op: 'geo'; path: PathStep[]; area: GeoArea }
  | { op: 'slice'; total: number; index: number }
  | { op: 'hasId'; ids: Uint32Array }
  | { op: 'hasVector'; vector: number }
  | { op: 'nested'; path: PathStep[]; child: FilterNode }

export interface MatchValues {
  texts: string[]
  integers: bigint[]
  booleans: boolean[]
  /** The values in the program's form, if they are many and were already written. */
  bytes?: Uint8Array
}

/** Dates are in microseconds since the epoch. */
export interface Bounds {
  lt: number | bigint | null
  lte: number | bigint | null
  gt: number | bigint | null
  gte: number | bigint | null
}

/** Positions are pairs of longitude and latitude in degrees. */
export type GeoArea =
  | { shape: 'box'; corners: Float64Array }
  | { shape: 'circle'; center: Float64Array; radiusMetres: number }
  | { shape: 'polygon'; rings: Float64Array[] }

/** Matches no point. */
export const NOTHING: FilterNode = { op: 'hasId', ids: new Uint32Array(0) }
