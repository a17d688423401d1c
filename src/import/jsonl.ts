import type { Payload } from '../core/point.js'
import { parsePayload } from '../filter/payload-json.js'
import { LineSplitter, type Line as SplitLine } from '../intake/lines.js'
import {
  batchRows,
  type ColumnChoice,
  type Cursor,
  FileBytes,
  type RowBatch,
  type Source,
  type SourceShape,
  type VectorBatch,
} from './source.js'

const CHUNK_BYTES = 4 * 1024 * 1024
const MAX_LINE_BYTES = 64 * 1024 * 1024
/**
 * Finds integers that a double may not hold exactly. The long fractions of vectors must not take the slow exact parser.
 */
const LONG_INTEGER = /[:,[]\s*-?\d{16,}\s*[,}\]]/

interface Line {
  value: Payload
  row: number
  /** Byte after the line. */
  end: number
}

/** JSON lines: one object a line, in which arrays of numbers may be vectors. */
export async function openJsonLines(path: string): Promise<Source> {
  return new JsonLinesSource(await FileBytes.open(path))
}

class JsonLinesSource implements Source {
  readonly path: string
  readonly #file: FileBytes

  constructor(file: FileBytes) {
    this.path = file.path
    this.#file = file
  }

  /** The shape as the first line shows it. That line must have all vectors. */
  async shape(): Promise<SourceShape> {
    for await (const { value } of this.#lines({ at: 0, row: 0 })) {
      const vectors = new Map<string, number>()
      for (const [column, item] of Object.entries(value)) {
        if (isNumbers(item)) vectors.set(column, item.length)
      }
      return { columns: Object.keys(value), vectors, rows: null }
    }
    return { columns: [], vectors: new Map(), rows: 0 }
  }

  async *batches(choice: ColumnChoice, from: Cursor): AsyncGenerator<RowBatch> {
    const { vectors: sizes } = await this.shape()
    const floats = choice.vectors.reduce((sum, column) => sum + (sizes.get(column) ?? 0), 0)
    const most = batchRows(floats)
    let lines: Line[] = []
    for await (const line of this.#lines(from)) {
      lines.push(line)
      if (lines.length < most) continue
      yield this.#batch(lines, choice, sizes)
      lines = []
    }
    if (lines.length > 0) yield this.#batch(lines, choice, sizes)
  }

  #batch(lines: readonly Line[], choice: ColumnChoice, sizes: ReadonlyMap<string, number>): RowBatch {
    const first = lines[0] as Line
    const last = lines.at(-1) as Line
    const vectors = new Map<string, VectorBatch>()
    for (const column of choice.vectors) vectors.set(column, this.#vectors(lines, column, sizes.get(column) as number))
    const taken = new Set([...choice.vectors, ...(choice.id === null ? [] : [choice.id])])
    return {
      count: lines.length,
      firstRow: first.row,
      ids: choice.id === null ? null : lines.map(({ value }) => value[choice.id as string]),
      vectors,
      payloads: lines.map(({ value }) => Object.fromEntries(Object.entries(value).filter(([key]) => !taken.has(key)))),
      next: { at: last.end, row: last.row + 1 },
    }
  }

  #vectors(lines: readonly Line[], column: string, size: number): VectorBatch {
    const data = new Float32Array(lines.length * size)
    const present = new Uint8Array(lines.length)
    for (const [i, { value, row }] of lines.entries()) {
      const numbers = value[column]
      if (numbers === null || numbers === undefined) continue
      if (!isNumbers(numbers)) throw this.#file.damaged(`line ${row + 1}: ${column}: expected an array of numbers`)
      if (numbers.length !== size) {
        throw this.#file.damaged(`line ${row + 1}: ${column}: expected ${size} dimensions, got ${numbers.length}`)
      }
      data.set(numbers, i * size)
      present[i] = 1
    }
    return { size, data, present: present.includes(0) ? present : null }
  }

  async *#lines(from: Cursor): AsyncGenerator<Line> {
    let { row } = from
    for await (const { bytes, end } of this.#pieces(from.at)) {
      if (bytes === null) throw this.#file.damaged(`line ${row + 1}: longer than ${MAX_LINE_BYTES} bytes`)
      const line = bytes.toString('utf8')
      if (line.trim() === '') continue
      yield { value: this.#parse(line, row), row, end }
      row++
    }
  }

  async *#pieces(from: number): AsyncGenerator<SplitLine> {
    const lines = new LineSplitter(MAX_LINE_BYTES, undefined, from)
    for (let at = from; at < this.#file.size; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, this.#file.size - at)
      yield* lines.push(Buffer.from((await this.#file.read(at, length)).buffer))
    }
    const last = lines.finish()
    if (last) yield last
  }

  #parse(line: string, row: number): Payload {
    let value: unknown
    try {
      value = LONG_INTEGER.test(line) ? parsePayload(line) : JSON.parse(line)
    } catch (cause) {
      throw this.#file.damaged(`line ${row + 1}: ${(cause as Error).message}`)
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw this.#file.damaged(`line ${row + 1}: expected an object`)
    }
    return value as Payload
  }

  share({ at }: Cursor): number {
    return this.#file.size === 0 ? 1 : at / this.#file.size
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
}
