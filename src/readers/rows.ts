/** Rows of a stream as a reader gives them. */
import type { ColumnarPoints } from '../core/columnar-points.js'
import type { VicinalError } from '../core/errors.js'
import type { Point } from '../core/point.js'
import type { VectorSizes } from './arrow/plain-columns.js'
import type { Hold } from './growing-bytes.js'

/** A row that was read: a point, or the reason why it is none, with its content as far as it could be read. */
export type ReadRow = ({ point: Point<unknown> } | { error: VicinalError; record?: unknown }) & {
  /** Bytes of the row in the stream. */
  bytes: number
}

/** Rows that were read together. */
export interface ReadColumns {
  columns: ColumnarPoints
  /** Bytes of all rows in the stream. */
  bytes: number
}

/**
 * Reads rows from the pieces of a stream, some at a time. Rejects where the stream itself is broken, so that no later row
 * can be told from another.
 */
export type ReadRows = (
  pieces: AsyncIterable<Buffer>,
  bounds: FrameBounds,
) => AsyncIterable<readonly ReadRow[] | ReadColumns>

export interface FrameBounds {
  /** Bytes of one frame: of a line, a map or a record batch. */
  frameBytes: number
  /** Is told of the frames that the reader keeps; rows that it has given are no longer its own. */
  hold: Hold
  /** Names of the collection's vectors: the columns of these names are no payload. */
  vectors: readonly string[]
  /** Dimensions of the vectors whose columns may be taken as they are. */
  sizes?: VectorSizes
  /** Whether ids of the collection are texts. */
  textIds?: boolean
}

/** Rows that are decoded in one go. A wrong row costs an error, and a piece of a stream may have a row a byte. */
export const ROWS_AT_ONCE = 16

/** The columns of a table that become ids and vectors. The others are payload. */
export interface RowColumns {
  /** null: no column has the ids. */
  id: string | null
  vectors: readonly (readonly [name: string, column: string])[]
  /** A column that holds whole payloads as JSON text. */
  payload?: string | null
}

/** The form of the vectors that a column holds, with the dimensions of the first one; 0 if none was seen. */
export interface VectorShape {
  kind: 'dense' | 'multi' | 'sparse'
  size: number
}
