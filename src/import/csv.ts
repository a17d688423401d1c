import { type CsvError, Parser } from 'csv-parse'
import { parseBigJson } from '../core/big-json.js'
import { invalid } from '../core/errors.js'
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
} from './source.js'
import { openStream, readLast, type StreamBytes } from './stream-bytes.js'

/** Cells that are JSON: numbers as JSON writes them, so that 007 and +49 stay texts. */
const JSON_CELL = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|[[{].*[\]}])$/s
const COMMA = ','
const TAB = '\t'
const TABBED = /\.tsv(\.gz)?$/i
const OVERHEAD_BYTES = 8

/**
 * CSV with a header. A cell that is a JSON number, array or object, true or false is that value; an empty one is absent;
 * all others are texts. A cursor's rows are skipped by parsing them again: a line of CSV may be within quotes.
 */
export async function openCsv(path: string): Promise<Source> {
  return new CsvSource(await openStream(path))
}

class CsvSource implements Source {
  readonly path: string
  readonly #bytes: StreamBytes

  constructor(bytes: StreamBytes) {
    this.path = bytes.path
    this.#bytes = bytes
  }

  async shape(): Promise<SourceShape> {
    let columns: readonly string[] = []
    for await (const { header, cells } of this.#records()) {
      columns = header
      const first = cells.find((row) => Array.isArray(row) && row.length === header.length) as string[] | undefined
      if (!first) continue
      const vectors = new Map<string, VectorShape>()
      for (const [column, value] of Object.entries(recordOf(header, first))) {
        const shape = vectorShapeOf(value)
        if (shape) vectors.set(column, shape)
      }
      return { columns, vectors, isPoints: false, rows: null }
    }
    return { columns, vectors: new Map(), isPoints: false, rows: 0 }
  }

  async *rows(choice: RowChoice, from: Cursor): AsyncGenerator<SourceRows> {
    readLast(this.#bytes)
    let first = 0
    for await (const { header, cells } of this.#records()) {
      const skipped = Math.min(cells.length, Math.max(0, from.row - first))
      first += skipped
      if (skipped === cells.length) continue
      const rows = cells.slice(skipped).map((row) => readRow(header, row, choice))
      yield { rows, first, next: { at: 0, row: first + rows.length } }
      first += rows.length
    }
  }

  async *#records(): AsyncGenerator<{ header: readonly string[]; cells: (string[] | CsvError)[] }> {
    let header: string[] | null = null
    const records = new CsvRecords(TABBED.test(this.path) ? TAB : COMMA)
    for await (const piece of this.#bytes.pieces()) {
      const cells = await this.#told(records.write(piece))
      if (header === null) header = this.#headerOf(cells.shift())
      if (header && cells.length > 0) yield { header, cells }
    }
    const cells = await this.#told(records.end())
    header ??= this.#headerOf(cells.shift())
    yield { header: header ?? [], cells }
  }

  async #told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (cause) {
      throw damaged(this.path, (cause as Error).message)
    }
  }

  #headerOf(row: string[] | CsvError | undefined): string[] | null {
    if (row === undefined) return null
    if (!Array.isArray(row)) throw damaged(this.path, `header: ${row.message}`)
    const twice = row.find((name, at) => row.indexOf(name) !== at)
    if (twice !== undefined)
      throw damaged(this.path, `header: two columns are named ${JSON.stringify(twice.slice(0, 64))}`)
    return row
  }

  share(): number {
    return this.#bytes.share
  }

  close(): Promise<void> {
    return this.#bytes.close()
  }
}

/** The records that end in each piece; one that cannot be read is its error. */
class CsvRecords {
  readonly #parser: Parser
  #found: (string[] | CsvError)[] = []
  #failure: Error | null = null

  constructor(delimiter: string) {
    this.#parser = new Parser({
      bom: true,
      delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: MOST_ROW_BYTES,
      on_record: (record: string[]) => {
        this.#found.push(record)
        return null
      },
      on_skip: (error) => {
        this.#skip(error)
        return undefined
      },
    })
    this.#parser.on('error', (error) => {
      this.#failure = error
    })
    this.#parser.resume()
  }

  /** One record may have several errors. After one that is too large the parser finds no other. */
  #skip(error: CsvError | undefined): void {
    if (!error) return
    if (error.code === 'CSV_MAX_RECORD_SIZE') this.#failure = error
    const last = this.#found.at(-1)
    if (Array.isArray(last) || last?.lines !== error.lines) this.#found.push(error)
  }

  async write(piece: Buffer): Promise<(string[] | CsvError)[]> {
    await new Promise<void>((done) => this.#parser.write(piece, () => done()))
    return this.#taken()
  }

  async end(): Promise<(string[] | CsvError)[]> {
    await new Promise<void>((done) => {
      this.#parser.once('error', () => done())
      this.#parser.end(() => done())
    })
    return this.#taken()
  }

  #taken(): (string[] | CsvError)[] {
    if (this.#failure) throw this.#failure
    const found = this.#found
    this.#found = []
    return found
  }
}

function readRow(header: readonly string[], row: string[] | CsvError, choice: RowChoice): ReadRow {
  if (!Array.isArray(row)) return { error: invalid('row', row.message), bytes: 0 }
  const bytes = row.reduce((sum, cell) => sum + cell.length, row.length * OVERHEAD_BYTES)
  if (row.length !== header.length) {
    return { error: invalid('row', `expected ${header.length} cells, got ${row.length}`), bytes, record: row }
  }
  return { point: pointOfRecord(recordOf(header, row), choice), bytes }
}

function recordOf(header: readonly string[], row: readonly string[]): Record<string, unknown> {
  const entries: [string, unknown][] = []
  for (const [at, cell] of row.entries()) if (cell !== '') entries.push([header[at] as string, cellValue(cell)])
  return Object.fromEntries(entries)
}

function cellValue(cell: string): unknown {
  if (!JSON_CELL.test(cell)) return cell
  try {
    return parseBigJson(cell)
  } catch {
    return cell
  }
}
