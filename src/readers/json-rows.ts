/** JSON lines: one point a line, as the API has it. Empty lines are no rows. */
import { VicinalError } from '../core/errors.js'
import { pointOf } from '../wire/points.js'
import { measureVectorJson } from '../wire/vector-json.js'
import { LineSplitter } from './lines.js'
import { type FrameBounds, type ReadRow, ROWS_AT_ONCE } from './rows.js'

const SPACE = 0x20
const MOST_RECORD_BYTES = 64 * 1024

export async function* readJsonRows(
  pieces: AsyncIterable<Buffer>,
  { frameBytes, hold }: FrameBounds,
): AsyncGenerator<ReadRow[]> {
  const lines = new LineSplitter(frameBytes, hold)
  for await (const piece of pieces) {
    let rows: ReadRow[] = []
    for (const { bytes } of lines.push(piece)) {
      if (isBlank(bytes)) continue
      rows.push(await pointRow(bytes, frameBytes))
      if (rows.length < ROWS_AT_ONCE) continue
      yield rows
      rows = []
    }
    yield rows
  }
  const last = lines.finish()
  if (last && !isBlank(last.bytes)) yield [await pointRow(last.bytes, frameBytes)]
}

/** Whether a line has white space alone. */
export function isBlank(line: Buffer | null): boolean {
  return line?.every((byte) => byte <= SPACE) ?? false
}

/** A point as the API has it; null is a text that is too long to be kept. */
export async function pointRow(text: Buffer | null, most: number): Promise<ReadRow> {
  if (text === null) return { error: tooLong(most), bytes: 0 }
  try {
    const measured = measureVectorJson(text, 'row')
    const { make } = measured instanceof Promise ? await measured : measured
    return { point: pointOf(make()), bytes: text.length }
  } catch (error) {
    if (!(error instanceof VicinalError)) throw error
    return { error, bytes: text.length, record: recordOf(text) }
  }
}

export function tooLong(most: number): VicinalError {
  return new VicinalError('TOO_LARGE', `row: expected at most ${most} bytes`, {
    details: { field: 'row', bound: most },
  })
}

/** A row that could not be read, for its report. */
export function recordOf(text: Buffer): string {
  return text.toString('utf8', 0, MOST_RECORD_BYTES)
}
