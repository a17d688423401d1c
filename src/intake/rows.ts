/** Rows of a stream as a reader gives them. */
import type { VicinalError } from '../core/errors.js'
import type { Point } from '../core/point.js'
import type { Hold } from './growing-bytes.js'

/** A row that was read: a point, or the reason why it is none. */
export type ReadRow = ({ point: Point<unknown> } | { error: VicinalError }) & {
  /** Bytes of the row in the stream. */
  bytes: number
}

/**
 * Reads rows from the pieces of a stream, some at a time. Rejects where the stream itself is broken, so that no later row
 * can be told from another.
 */
export type ReadRows = (pieces: AsyncIterable<Buffer>, bounds: FrameBounds) => AsyncIterable<readonly ReadRow[]>

export interface FrameBounds {
  /** Bytes of one frame: of a line, a map or a record batch. */
  frameBytes: number
  /** Is told of the frames that the reader keeps; rows that it has given are no longer its own. */
  hold: Hold
  /** Names of the collection's vectors: the columns of these names are no payload. */
  vectors: readonly string[]
}

/** Rows that are decoded in one go. A wrong row costs an error, and a piece of a stream may have a row a byte. */
export const ROWS_AT_ONCE = 16
