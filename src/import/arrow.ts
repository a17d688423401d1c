import { type RecordBatch, RecordBatchReader, Table } from 'apache-arrow'
import { VicinalError } from '../core/errors.js'
import { framesOf } from './arrow-frames.js'
import { listColumns, rowsOfTable, sizesOf } from './arrow-rows.js'
import { FileBytes } from './file-bytes.js'
import { batchRows, type ColumnChoice, type Cursor, type RowBatch, type Source, type SourceShape } from './source.js'

const BITS = 8
const HALF_BYTES = 2

/** Arrow IPC, as a file or as a stream. A cursor's `at` is the number of a record batch. */
export async function openArrow(path: string): Promise<Source> {
  return new ArrowSource(await FileBytes.open(path))
}

class ArrowSource implements Source {
  readonly path: string
  readonly #file: FileBytes
  #shape: SourceShape | null = null
  /** Bytes of the stream read so far. */
  #position = 0

  constructor(file: FileBytes) {
    this.path = file.path
    this.#file = file
  }

  async shape(): Promise<SourceShape> {
    if (this.#shape) return this.#shape
    for await (const { table } of this.#tables(0)) {
      const columns = table.schema.fields.map((field) => field.name)
      this.#shape = { columns, vectors: sizesOf(table, listColumns(table.schema)), rows: null }
      if (table.numRows > 0) break
    }
    this.#shape ??= { columns: [], vectors: new Map(), rows: 0 }
    return this.#shape
  }

  async *batches(choice: ColumnChoice, from: Cursor): AsyncGenerator<RowBatch> {
    const { vectors: sizes } = await this.shape()
    const floats = choice.vectors.reduce((sum, column) => sum + (sizes.get(column) ?? 0), 0)
    const most = batchRows(floats)
    let row = from.row
    for await (const { table, index } of this.#tables(from.at)) {
      for (let start = 0; start < table.numRows; start += most) {
        const part = table.numRows <= most ? table : table.slice(start, start + most)
        const firstRow = row
        row += part.numRows
        const next = start + most >= table.numRows ? { at: index + 1, row } : null
        yield this.#rowsOf(part, choice, sizes, { path: this.path, firstRow, next })
      }
    }
  }

  /** Bounds declared sizes by the file's bytes: at least a bit for a row, and two bytes for a component. */
  #checkSizes({ numRows, schema }: RecordBatch): void {
    const { size } = this.#file
    if (numRows > size * BITS) throw this.#file.damaged(`a record batch of ${numRows} rows in ${size} bytes`)
    for (const [column, dim] of listColumns(schema)) {
      if ((dim ?? 0) * HALF_BYTES > size) throw this.#file.damaged(`${column}: lists of ${dim} in ${size} bytes`)
    }
  }

  /** A batch may differ from the schema, and apache-arrow checks neither. */
  #rowsOf(...[table, choice, sizes, placing]: Parameters<typeof rowsOfTable>): RowBatch {
    try {
      return rowsOfTable(table, choice, sizes, placing)
    } catch (cause) {
      if (cause instanceof VicinalError) throw cause
      throw this.#file.damaged(`rows from ${placing.firstRow} on: ${(cause as Error).message}`)
    }
  }

  /** Record batches from number `first` on. Earlier ones are skipped without decoding their rows. */
  async *#tables(first: number): AsyncGenerator<{ table: Table; index: number }> {
    let index = 0
    try {
      const reader = await RecordBatchReader.from(this.#chunks())
      for await (const batch of reader as AsyncIterable<RecordBatch>) {
        this.#checkSizes(batch)
        if (index >= first) yield { table: new Table(batch), index }
        index++
      }
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== undefined) throw cause
      throw this.#file.damaged(`record batch ${index}: ${(cause as Error).message}`)
    }
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    for await (const { bytes, end } of framesOf(this.#file)) {
      this.#position = end
      yield bytes
    }
  }

  share({ at }: Cursor): number {
    return at === 0 || this.#file.size === 0 ? 0 : this.#position / this.#file.size
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
