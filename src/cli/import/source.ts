import type { Payload } from '../../core/point.js'

/**
 * Where a reader stands, so that a later run can go on from there: rows before `row` are read, and the reader
 * finds the next one at `at`, which means what it likes (a row group, a byte, a batch).
 */
export interface Cursor {
  at: number
  row: number
}

export interface VectorBatch {
  size: number
  /** `count × size` floats; those of rows without the vector are zero. */
  data: Float32Array
  /** 1 for each row that has the vector; null when all have. */
  present: Uint8Array | null
}

/** Some rows of a file, decoded. */
export interface RowBatch {
  count: number
  /** Number of the first row in its file. */
  firstRow: number
  /** null: the file has no column of ids. */
  ids: readonly unknown[] | null
  /** By column. */
  vectors: ReadonlyMap<string, VectorBatch>
  payloads: (Payload | null)[] | null
  /** Where to go on once this batch is stored; null inside a unit that can only be read as a whole. */
  next: Cursor | null
}

export interface ColumnChoice {
  /** null: row numbers. */
  id: string | null
  vectors: readonly string[]
}

/** What a file has to offer, known before its rows are read. */
export interface SourceShape {
  columns: readonly string[]
  /** Columns that hold vectors, with their dimensions. */
  vectors: ReadonlyMap<string, number>
  /** null where only reading to the end tells. */
  rows: number | null
}

export interface Source {
  readonly path: string
  shape(): Promise<SourceShape>
  batches(choice: ColumnChoice, from: Cursor): AsyncIterable<RowBatch>
  /** Share of the file that lies before a row or cursor, 0 to 1. */
  share(at: Cursor): number
  close(): Promise<void>
}

export const START: Cursor = { at: 0, row: 0 }

/** Floats of one batch: bounds the memory of the import, whatever the dimensions. */
const BATCH_FLOATS = 2_097_152
const BATCH_ROWS = 8_192

/** Rows to take at a time for vectors that have this many floats a row, all together. */
export function batchRows(floatsPerRow: number): number {
  return Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_FLOATS / Math.max(1, floatsPerRow))))
}
