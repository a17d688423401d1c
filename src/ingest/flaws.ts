/** Rows of a batch that are no points of their collection, found while columns are made of the others. */
import { renameField } from '../core/error-field.js'
import { type UnfitVector, VicinalError } from '../core/errors.js'
import type { IngestionRule } from '../core/ingestion-rules.js'

/** Codes of errors that one row alone can have. */
const OF_ROW: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'TOO_LARGE', 'NOT_IMPLEMENTED'])

export function isOfRow(error: unknown): error is VicinalError {
  return error instanceof VicinalError && OF_ROW.has(error.code)
}

const PLACE = /^(?:points|ids|payloads)\[\d+\]\.?/
const IN_COLUMN = /^vectors((?:\.[^[]*)?)\[\d+\]/
const IN_TABLE = /^table\.([^[]*)\[\d+\]/

/** The error of a row without the place that the row had in its batch: `vector.image`, not `points[83].vector.image`. */
export function errorOfRow(error: VicinalError): VicinalError {
  const rename = (field: string) =>
    field.replace(PLACE, '').replace(IN_COLUMN, 'vector$1').replace(IN_TABLE, '$1') || 'row'
  return renameField(error, rename) as VicinalError
}

/** A vector that is in no column, though its point may be in order. */
export interface LeftOutVector {
  row: number
  name: string
  /** As JSON. */
  vector: string
  error: UnfitVector
  /** A rule has mended its point by leaving it out for good. */
  isDropped?: true
}

/** A row that is not stored. */
export interface RefusedRow {
  /** In the batch. */
  row: number
  error: VicinalError
  /** Absent of rows that are no points. */
  rule?: IngestionRule
  /** Of a row for the quarantine: the row as it came, as JSON. */
  record?: string
}

export class Flaws {
  /** The first error of each row that is no point. */
  readonly refused = new Map<number, VicinalError>()
  readonly leftOut: LeftOutVector[] = []
  /** Rows that name no vector: the check `missing` is for them, and without it they are no points. */
  readonly bare = new Map<number, VicinalError>()
  #byRow: Map<number, LeftOutVector[]> | null = null

  /** The left-out vectors of one row, once all rows were taken. */
  leftOutOf(row: number): readonly LeftOutVector[] {
    if (this.#byRow === null) {
      this.#byRow = new Map()
      for (const left of this.leftOut) {
        const others = this.#byRow.get(left.row)
        if (others) others.push(left)
        else this.#byRow.set(left.row, [left])
      }
    }
    return this.#byRow.get(row) ?? []
  }
}

/**
 * Takes each row. With `flaws` a row that is refused does not end the batch: it is noted, and no later step takes it.
 * `instead` is done in its place.
 */
export function eachRow(
  count: number,
  flaws: Flaws | null,
  take: (row: number) => void,
  instead: (row: number) => void = () => {},
): void {
  if (flaws === null) {
    for (let row = 0; row < count; row++) take(row)
    return
  }
  for (let row = 0; row < count; row++) {
    if (flaws.refused.has(row)) {
      instead(row)
      continue
    }
    try {
      take(row)
    } catch (error) {
      if (!isOfRow(error)) throw error
      flaws.refused.set(row, error)
      instead(row)
    }
  }
}
