/** JSON lines: one point a line, as the API has it. Empty lines are no rows. */
import { VicinalError } from '../core/errors.js'
import { pointOf } from '../wire/points.js'
import { measureVectorJson } from '../wire/vector-json.js'
import { LineSplitter } from './lines.js'
import { type FrameBounds, type ReadRow, ROWS_AT_ONCE } from './rows.js'

const SPACE = 0x20

export async function* readJsonRows(
  pieces: AsyncIterable<Buffer>,
  { frameBytes, hold }: FrameBounds,
): AsyncGenerator<ReadRow[]> {
  const lines = new LineSplitter(frameBytes, hold)
  for await (const piece of pieces) {
    let rows: ReadRow[] = []
    for (const { bytes } of lines.push(piece)) {
      if (isBlank(bytes)) continue
      rows.push(await rowOf(bytes, frameBytes))
      if (rows.length < ROWS_AT_ONCE) continue
      yield rows
      rows = []
    }
    yield rows
  }
  const last = lines.finish()
  if (last && !isBlank(last.bytes)) yield [await rowOf(last.bytes, frameBytes)]
}

/** Whether a line has white space alone. */
function isBlank(line: Buffer | null): boolean {
  return line?.every((byte) => byte <= SPACE) ?? false
}

async function rowOf(line: Buffer | null, most: number): Promise<ReadRow> {
  if (line === null) {
    const error = new VicinalError('TOO_LARGE', `row: expected at most ${most} bytes`, {
      details: { field: 'row', bound: most },
    })
    return { error, bytes: 0 }
  }
  try {
    const measured = measureVectorJson(line, 'row')
    const { make } = measured instanceof Promise ? await measured : measured
    return { point: pointOf(make()), bytes: line.length }
  } catch (error) {
    if (!(error instanceof VicinalError)) throw error
    return { error, bytes: line.length }
  }
}
