/** Points that a caller gives one by one. The collection checks them. */
import { invalid, VicinalError } from '../core/errors.js'
import type { Point } from '../core/point.js'
import { pointBytes } from '../core/point-bytes.js'
import { UnreadPoint } from '../core/unread-point.js'
import { ownPoint } from '../core/upsert-batches.js'
import { type ReadRow, ROWS_AT_ONCE } from './rows.js'

export async function* readPoints(
  points: AsyncIterable<Point<unknown>> | Iterable<Point<unknown>>,
): AsyncGenerator<ReadRow[]> {
  let rows: ReadRow[] = []
  for await (const point of points) {
    rows.push(rowOf(point))
    if (rows.length < ROWS_AT_ONCE) continue
    yield rows
    rows = []
  }
  if (rows.length > 0) yield rows
}

function rowOf(point: Point<unknown>): ReadRow {
  if (ArrayBuffer.isView(point)) throw invalid('type', 'expected the form of the stream, since it gives bytes')
  if (point instanceof UnreadPoint) return { error: point.error, bytes: 0 }
  try {
    return { point: ownPoint(point), bytes: pointBytes(point ?? {}, 'row') }
  } catch (error) {
    if (!(error instanceof VicinalError)) throw error
    return { error, bytes: 0 }
  }
}
