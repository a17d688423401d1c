import { parseBigJson } from '../core/big-json.js'
import { invalid, VicinalError } from '../core/errors.js'
import type { NamedVector, Point } from '../core/point.js'
import { ArraySplitter } from '../readers/array-items.js'
import { isBlank, pointRow, recordOf, tooLong } from '../readers/json-rows.js'
import { type Line, LineSplitter } from '../readers/lines.js'
import type { ReadRow, VectorShape } from '../readers/rows.js'
import { pointOfRecord, vectorShapeOf } from './records.js'
import {
  type Cursor,
  damaged,
  MOST_ROW_BYTES,
  type RowChoice,
  type Source,
  type SourceRows,
  type SourceShape,
  START,
} from './source.js'
import { openStream, readLast, type StreamBytes } from './stream-bytes.js'

const OPEN_ARRAY = 0x5b
const SPACE = 0x20
const MARK = [0xef, 0xbb, 0xbf]
const POINT_KEYS: ReadonlySet<string> = new Set(['id', 'vector', 'vectors', 'payload'])
/** Integers that a double may not hold exactly. The long fractions of vectors must not take the slow exact parser. */
const LONG_INTEGER = /[:,[]\s*-?\d{16,}\s*[,}\]]/
const ROWS_AT_ONCE = 64

/**
 * JSON lines, or one array: the first byte tells. Rows are points as the API has them (`id`, `vector`, `payload`), or
 * objects whose arrays of numbers are vectors: the first row tells. A cursor's `at` is a byte of the text.
 */
export async function openJson(path: string): Promise<Source> {
  return new JsonSource(await openStream(path))
}

class JsonSource implements Source {
  readonly path: string
  readonly #bytes: StreamBytes
  #isArray: boolean | null = null

  constructor(bytes: StreamBytes) {
    this.path = bytes.path
    this.#bytes = bytes
  }

  /** The shape as the first row shows it, that can be read. That row must have all vectors. */
  async shape(): Promise<SourceShape> {
    let wrong: VicinalError | null = null
    for await (const { bytes } of this.#texts(START)) {
      const record = bytes === null ? tooLong(MOST_ROW_BYTES) : recordIn(bytes)
      if (!(record instanceof VicinalError)) return shapeOf(record)
      wrong ??= record
    }
    if (wrong) throw damaged(this.path, `row 0: ${wrong.message}`)
    return { columns: [], vectors: new Map(), isPoints: false, rows: 0 }
  }

  async *rows(choice: RowChoice, from: Cursor): AsyncGenerator<SourceRows> {
    readLast(this.#bytes)
    let rows: ReadRow[] = []
    let first = from.row
    let end = from.at
    for await (const text of this.#texts(from)) {
      rows.push(choice.isPoints ? await pointRow(text.bytes, MOST_ROW_BYTES) : recordRow(text.bytes, choice))
      end = text.end
      if (rows.length < ROWS_AT_ONCE) continue
      yield { rows, first, next: { at: end, row: first + rows.length } }
      first += rows.length
      rows = []
    }
    if (rows.length > 0) yield { rows, first, next: { at: end, row: first + rows.length } }
  }

  async *#texts(from: Cursor): AsyncGenerator<Line> {
    try {
      this.#isArray ??= await this.#beginsArray()
      if (this.#isArray) yield* this.#items(from.at)
      else for await (const line of this.#lines(from.at)) if (!isBlank(line.bytes)) yield line
    } catch (cause) {
      if (!(cause instanceof VicinalError) || cause.details.field !== 'body') throw cause
      throw damaged(this.path, cause.message)
    }
  }

  async #beginsArray(): Promise<boolean> {
    for await (const piece of this.#bytes.pieces()) {
      const first = piece.find((byte) => byte > SPACE && !MARK.includes(byte))
      if (first !== undefined) return first === OPEN_ARRAY
    }
    return false
  }

  async *#lines(from: number): AsyncGenerator<Line> {
    const lines = new LineSplitter(MOST_ROW_BYTES, undefined, from)
    for await (const piece of this.#bytes.pieces(from)) yield* lines.push(piece)
    const last = lines.finish()
    if (last) yield last
  }

  async *#items(from: number): AsyncGenerator<Line> {
    const items = new ArraySplitter(MOST_ROW_BYTES, undefined, from)
    for await (const piece of this.#bytes.pieces(from)) yield* items.push(piece)
    items.finish()
  }

  share(): number {
    return this.#bytes.share
  }

  close(): Promise<void> {
    return this.#bytes.close()
  }
}

function shapeOf(record: Record<string, unknown>): SourceShape {
  const columns = Object.keys(record)
  const vector = record.vector ?? record.vectors
  const isPoints = columns.every((key) => POINT_KEYS.has(key)) && isPointVector(vector, record)
  const named = isPoints ? vectorsOfPoint(vector) : Object.entries(record)
  const vectors = new Map<string, VectorShape>()
  for (const [name, value] of named) {
    const shape = vectorShapeOf(value)
    if (shape) vectors.set(name, shape)
  }
  return { columns, vectors, isPoints, rows: null }
}

/** An object with a vector alone and no payload could be either; both readings are the same then. */
function isPointVector(vector: unknown, record: Record<string, unknown>): boolean {
  if (vector === null || typeof vector !== 'object') return false
  return 'payload' in record || 'vectors' in record || !Array.isArray(vector) || vectorShapeOf(vector) !== null
}

function vectorsOfPoint(vector: unknown): [string, unknown][] {
  return Array.isArray(vector) ? [['', vector]] : Object.entries(vector as object)
}

function recordRow(text: Buffer | null, choice: RowChoice): ReadRow {
  if (text === null) return { error: tooLong(MOST_ROW_BYTES), bytes: 0 }
  const record = recordIn(text)
  if (record instanceof VicinalError) return { error: record, bytes: text.length, record: recordOf(text) }
  return { point: pointOfRecord(record, choice) as Point & { vector: Record<string, NamedVector> }, bytes: text.length }
}

function recordIn(bytes: Buffer): Record<string, unknown> | VicinalError {
  const text = bytes.toString('utf8')
  try {
    const value: unknown = LONG_INTEGER.test(text) ? parseBigJson(text) : JSON.parse(text)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
    return invalid('row', 'expected an object', value)
  } catch (cause) {
    return invalid('row', `expected JSON (${(cause as Error).message.slice(0, 200)})`)
  }
}
