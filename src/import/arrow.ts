import { open } from 'node:fs/promises'
import { type RecordBatch, RecordBatchReader, Table, tableToIPC } from 'apache-arrow'
import { VicinalError } from '../core/errors.js'
import { listColumns, rowsOfTable, sizesOf } from './arrow-rows.js'
import {
  batchRows,
  type ColumnChoice,
  type Cursor,
  FileBytes,
  type RowBatch,
  type Source,
  type SourceShape,
} from './source.js'

const BITS = 8
const HALF_BYTES = 2

// Arrow's IPC framing: 0xffffffff, length of the metadata (a flatbuffer), the metadata, the body. It is read without
// apache-arrow, because the import must know its position in the file. That library also reads compressed bodies as if
// they were not compressed.
const FILE_MAGIC = 'ARROW1'
const FILE_MAGIC_BYTES = 8
const CONTINUATION = 0xffff_ffff
const PREFIX_BYTES = 8
const MAX_METADATA_BYTES = 64 * 1024 * 1024
/** Indexes of fields of the Message and RecordBatch tables in Arrow's Message.fbs. */
const MESSAGE_HEADER = 2
const MESSAGE_BODY_LENGTH = 3
const BATCH_COMPRESSION = 3
const HEADER_TYPE = 1
const SCHEMA = 1
const RECORD_BATCH = 3
const END_MARK_BYTES = 8

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

interface Frame {
  bytes: Uint8Array
  /** Byte of the file after the frame. */
  end: number
}

/** The messages in order. An Arrow file is a stream between its magic and its footer, and is read as one. */
async function* framesOf(file: FileBytes): AsyncGenerator<Frame> {
  const head = Buffer.from(await file.read(0, Math.min(FILE_MAGIC_BYTES, file.size))).toString('latin1')
  const isFile = head.startsWith(FILE_MAGIC)
  let isFirst = true
  let position = isFile ? FILE_MAGIC_BYTES : 0
  // A stream may end without its end mark, but not inside a message.
  while (position < file.size) {
    if (position + PREFIX_BYTES > file.size) throw file.damaged(`ends inside an Arrow message, at byte ${file.size}`)
    const prefix = new DataView((await file.read(position, PREFIX_BYTES)).buffer)
    const metadataLength = prefix.getInt32(4, true)
    if (prefix.getUint32(0, true) !== CONTINUATION || metadataLength < 0 || metadataLength > MAX_METADATA_BYTES) {
      throw file.damaged(`no Arrow message at byte ${position}`)
    }
    if (metadataLength === 0) return
    const metadata = new DataView((await file.read(position + PREFIX_BYTES, metadataLength)).buffer)
    const { type, bodyLength } = describe(metadata, file)
    const length = PREFIX_BYTES + metadataLength + bodyLength
    if (isFile && isFirst && type !== SCHEMA) yield { bytes: await schemaOfFooter(file), end: position }
    isFirst = false
    yield { bytes: await file.read(position, length), end: position + length }
    position += length
  }
}

function describe(metadata: DataView, file: FileBytes): { type: number; bodyLength: number } {
  const message = metadata.getUint32(0, true)
  const typeAt = field(metadata, message, HEADER_TYPE)
  const type = typeAt === 0 ? 0 : metadata.getUint8(typeAt)
  const header = field(metadata, message, MESSAGE_HEADER)
  if (type === RECORD_BATCH && header !== 0) {
    const batch = header + metadata.getUint32(header, true)
    if (field(metadata, batch, BATCH_COMPRESSION) !== 0) {
      throw file.damaged('has compressed record batches, which are not supported; write it uncompressed, or as Parquet')
    }
  }
  const length = field(metadata, message, MESSAGE_BODY_LENGTH)
  return { type, bodyLength: length === 0 ? 0 : Number(metadata.getBigInt64(length, true)) }
}

/** The schema as a message, for files with the schema only in their footer, such as those of apache-arrow itself. */
async function schemaOfFooter(file: FileBytes): Promise<Uint8Array> {
  // The reader closes its handle, so it gets a handle of its own.
  const reader = await RecordBatchReader.from(await open(file.path, 'r'))
  try {
    await reader.open()
    return tableToIPC(new Table(reader.schema), 'stream').subarray(0, -END_MARK_BYTES)
  } finally {
    await reader.cancel()
  }
}

/** Position of field number `index` of a flatbuffer's table; 0 if it is absent. */
function field(buffer: DataView, table: number, index: number): number {
  const vtable = table - buffer.getInt32(table, true)
  const slot = 4 + 2 * index
  if (slot >= buffer.getUint16(vtable, true)) return 0
  const offset = buffer.getUint16(vtable + slot, true)
  return offset === 0 ? 0 : table + offset
}
