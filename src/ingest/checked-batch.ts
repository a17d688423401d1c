/** A batch as the checks of rules see it, and their findings. */
import type { VicinalError } from '../core/errors.js'
import type { Fix, IngestionRule } from '../core/ingestion-rules.js'
import type { PointColumns, PointId } from '../core/point.js'
import type { Schema } from '../core/schema.js'
import type { LeftOutVector } from './flaws.js'
import type { InspectedColumn } from './vector-facts.js'

/** A row that breaks a rule. */
export interface Breach {
  row: number
  error: VicinalError
  /** False, and nothing is changed, where the fix cannot mend it. */
  mend(fix: Fix): boolean
  /** Whether the row breaks the rule still, after fixes of other rules. */
  remains(): boolean
}

/** Of a stored point: how near it is, as scores of the collection tell it. */
export interface NearPoint {
  score: number
  id: PointId
}

export interface CheckedBatch {
  schema: Schema
  columns: PointColumns
  inspected: readonly InspectedColumn[]
  /** Vectors that are in no column. A fix takes them out. */
  leftOut: LeftOutVector[]
  /** The payload of a row as it came; '' without one. */
  textOf(row: number): string
  /** Payloads that rules have changed. */
  texts: Map<number, string>
  /** Whether no rule has refused the row. */
  isOpen(row: number): boolean
  /** The number of a row of the batch in its source. */
  numberOf(row: number): number
  /**
   * For each of the vectors end to end, a stored point within the threshold that is another one than the row's; null
   * without one. `ids` are encoded.
   */
  nearest(vector: string, floats: Float32Array, ids: Uint32Array, threshold: number): Promise<(NearPoint | null)[]>
}

export function rangeOf({ min, max }: IngestionRule): string {
  if (min === undefined) return `of at most ${max}`
  return max === undefined ? `of at least ${min}` : `from ${min} to ${max}`
}
