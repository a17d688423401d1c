import { ParquetFile, type ReaderOptions, type RecordBatch } from 'parquet-wasm'
import { VicinalError } from '../core/errors.js'
import { ArrowMessages } from '../readers/arrow/messages.js'
import { type ArrowField, BINARY_KINDS } from '../readers/arrow/schema.js'
import { type ArrowBatch, ArrowBatches, vectorKindOf } from '../readers/arrow-rows.js'
import type { VectorShape } from '../readers/rows.js'
import { type Cursor, FileBytes, type RowChoice, type Source, type SourceRows, type SourceShape } from './source.js'
import { tableShape, withPayload } from './tables.js'

// Reads Parquet by row groups. parquet-wasm decodes into its own heap, and one batch at a time crosses as Arrow IPC. On
// lists of 512 floats it is twice as fast as a reader in JavaScript, and its heap stays at about one row group.

/** A cursor's `at` is a row group, because rows inside one can only be skipped by decoding them. */
export async function openParquet(path: string): Promise<Source> {
  const file = await FileBytes.open(path)
  try {
    return new ParquetSource(file, await ParquetFile.fromFile(blobOf(file)))
  } catch (cause) {
    await file.close()
    if (cause instanceof VicinalError) throw cause
    throw file.damaged(`not a Parquet file that can be read: ${(cause as Error).message}`)
  }
}

const SCHEMA_KEY = Buffer.from('ARROW:schema')
const OTHER_KEY = Buffer.from('arrow:schema')
/**
 * Reads up to this size near the file's end are searched for the footer's key-value list. Row groups are larger, or lie
 * elsewhere.
 */
const FOOTER_BYTES = 64 * 1024 * 1024

/**
 * The part of a Blob that parquet-wasm uses. Node's own Blob cannot be sliced beyond 4 GiB.
 *
 * Writers such as Polars store an Arrow schema beside the Parquet one. It has types that apache-arrow lacks (large
 * lists, string views). Renaming its key hides that schema, so the Parquet types are used.
 */
function blobOf(file: FileBytes): Blob {
  const slice = (start = 0, end = file.size) => ({
    size: end - start,
    arrayBuffer: async () => {
      const bytes = await file.read(start, end - start)
      const isFooter = end > file.size - FOOTER_BYTES && bytes.length <= FOOTER_BYTES
      const hint = isFooter ? Buffer.from(bytes.buffer).lastIndexOf(SCHEMA_KEY) : -1
      if (hint >= 0) bytes.set(OTHER_KEY, hint)
      return bytes.buffer
    },
  })
  return { size: file.size, slice } as unknown as Blob
}

/** Bytes that one batch should take, decoded; and rows, however small they are. */
const BATCH_BYTES = 16 * 1024 * 1024
const MOST_BATCH_ROWS = 8_192
/** Most bytes of a decoded batch: those of one row, if it is that large. */
const MOST_BATCH_BYTES = 1024 * 1024 * 1024
const BOUNDS = { frameBytes: MOST_BATCH_BYTES, hold: () => {}, withBinary: true }
/** A row group is decoded in the heap of parquet-wasm, which has at most 4 GiB. */
const MOST_GROUP_BYTES = 2 * 1024 * 1024 * 1024

interface RowGroup {
  rows: number
  /** Decoded, as the file says. */
  bytes: number
}

class ParquetSource implements Source {
  readonly path: string
  readonly #file: FileBytes
  readonly #parquet: ParquetFile
  readonly #groups: readonly RowGroup[]
  #fields: readonly ArrowField[] | null = null
  #shape: SourceShape | null = null

  constructor(file: FileBytes, parquet: ParquetFile) {
    this.path = file.path
    this.#file = file
    this.#parquet = parquet
    const metadata = parquet.metadata()
    this.#groups = metadata.rowGroups().map((group) => ({ rows: group.numRows(), bytes: group.totalByteSize() }))
    metadata.free()
    const large = this.#groups.findIndex(({ bytes }) => bytes > MOST_GROUP_BYTES)
    if (large < 0) return
    const { bytes } = this.#groups[large] as RowGroup
    throw file.damaged(`row group ${large}: expected at most ${MOST_GROUP_BYTES} bytes decoded, got ${bytes}`)
  }

  async shape(): Promise<SourceShape> {
    this.#shape ??= await this.#readShape()
    return this.#shape
  }

  async #readShape(): Promise<SourceShape> {
    const fields = await this.#schema()
    const vectors = new Map<string, VectorShape>()
    const group = this.#groups.findIndex(({ rows }) => rows > 0)
    const columns = fields.filter((field) => vectorKindOf(field)).map(({ name }) => name)
    if (group >= 0 && columns.length > 0) {
      for await (const batch of this.#batches(group, columns)) {
        for (const [column, shape] of batch.vectorShapes()) {
          if (shape.size > 0 || !vectors.has(column)) vectors.set(column, shape)
        }
        if ([...vectors.values()].every(({ kind, size }) => kind === 'sparse' || size > 0)) break
      }
    }
    return tableShape(fields, vectors, this.#rowCount)
  }

  get #rowCount(): number {
    return this.#groups.reduce((sum, { rows }) => sum + rows, 0)
  }

  async #schema(): Promise<readonly ArrowField[]> {
    if (this.#fields) return this.#fields
    const batches = new ArrowBatches(BOUNDS)
    await readBatch(this.#parquet.schema().intoIPCStream(), batches)
    this.#fields = batches.fields
    return this.#fields
  }

  async *rows(choice: RowChoice, from: Cursor): AsyncGenerator<SourceRows> {
    const columns = withPayload(choice, await this.shape())
    const fields = await this.#schema()
    const names = fields.filter(({ kind }) => !BINARY_KINDS.has(kind)).map(({ name }) => name)
    let first = from.row
    for (let group = from.at; group < this.#groups.length; group++) {
      const end = first + (this.#groups[group] as RowGroup).rows
      for await (const batch of this.#batches(group, names)) {
        for (const rows of batch.rows(columns)) {
          const row = first
          first += rows.length
          yield { rows, first: row, next: first === end ? { at: group + 1, row: end } : null }
        }
      }
      if (first !== end) throw this.#file.damaged(`row group ${group}: ended at row ${first}, expected ${end}`)
    }
  }

  async *#batches(group: number, columns: string[]): AsyncGenerator<ArrowBatch> {
    const { rows, bytes } = this.#groups[group] as RowGroup
    const batchSize = Math.max(1, Math.min(MOST_BATCH_ROWS, Math.floor((BATCH_BYTES * rows) / Math.max(1, bytes))))
    try {
      const options: ReaderOptions = { rowGroups: [group], batchSize, columns }
      const stream = (await this.#parquet.stream(options)) as AsyncIterable<RecordBatch>
      for await (const batch of stream) {
        const read = await readBatch(batch.intoIPCStream(), new ArrowBatches(BOUNDS))
        if (read) yield read
      }
    } catch (cause) {
      if (cause instanceof VicinalError && cause.message.startsWith(this.path)) throw cause
      throw this.#file.damaged(`row group ${group}: ${(cause as Error).message}`)
    }
  }

  share({ row }: Cursor): number {
    return this.#rowCount === 0 ? 1 : row / this.#rowCount
  }

  close(): Promise<void> {
    this.#parquet.free()
    return this.#file.close()
  }
}

/** The record batch of a stream of one; null: the stream has a schema alone. */
async function readBatch(bytes: Uint8Array, batches: ArrowBatches): Promise<ArrowBatch | null> {
  const messages = new ArrowMessages(MOST_BATCH_BYTES, () => {})
  let batch: ArrowBatch | null = null
  for (const message of messages.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
    batch = (await batches.read(message)) ?? batch
  }
  return batch
}
