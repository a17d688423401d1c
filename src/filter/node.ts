import type { PathStep } from './path.js'

/** A filter as the kernel evaluates it: validated, defaults filled in, one operator a node. */
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
  /** As the program has them, where they are many and were written before. */
  bytes?: Uint8Array
}

/** Microseconds since the epoch for dates. */
export interface Bounds {
  lt: number | bigint | null
  lte: number | bigint | null
  gt: number | bigint | null
  gte: number | bigint | null
}

/** Positions are longitude and latitude in turn, in degrees. */
export type GeoArea =
  | { shape: 'box'; corners: Float64Array }
  | { shape: 'circle'; center: Float64Array; radiusMetres: number }
  | { shape: 'polygon'; rings: Float64Array[] }
