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
    return new ParquetSource(file, await orPanic(ParquetFile.fromFile(blobOf(file))))
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
/** Before any row was decoded. */
const FIRST_BATCH_ROWS = 64
/** Most bytes of a decoded batch: those of one row, if it is that large. */
const MOST_BATCH_BYTES = 1024 * 1024 * 1024
const BOUNDS = { frameBytes: MOST_BATCH_BYTES, hold: () => {}, withBinary: true }

interface RowGroup {
  rows: number
  /** Decoded, as the file says. */
  bytes: number
  packedBytes: number
}
/** Row groups beyond this size that are packed beyond this ratio are unpacked in parts, which takes longer. */
const LARGE_BYTES = 128 * 1024 * 1024
const PACKED_RATIO = 16

class ParquetSource implements Source {
  readonly path: string
  readonly #file: FileBytes
  readonly #parquet: ParquetFile
  readonly #groups: readonly RowGroup[]
  /** Most bytes of a decoded row, on average over a batch. */
  #rowBytes = 0
  #fields: readonly ArrowField[] | null = null
  #shape: SourceShape | null = null

  constructor(file: FileBytes, parquet: ParquetFile) {
    this.path = file.path
    this.#file = file
    this.#parquet = parquet
    const metadata = parquet.metadata()
    this.#groups = metadata
      .rowGroups()
      .map((group) => ({ rows: group.numRows(), bytes: group.totalByteSize(), packedBytes: group.compressedSize() }))
    metadata.free()
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
    // Of the columns of vectors alone.
    this.#rowBytes = 0
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

  /** Batches of rows that suit the bytes of those before: the file does not say how large rows are, decoded. */
  async *#batches(group: number, columns: string[]): AsyncGenerator<ArrowBatch> {
    const { rows } = this.#groups[group] as RowGroup
    try {
      for (let done = 0; done < rows; ) {
        const batchSize = this.#batchRows(group)
        const options: ReaderOptions = { rowGroups: [group], batchSize, columns, offset: done }
        // Without a limit the reader unpacks all pages of the row group.
        if (this.#rowBytes === 0 || this.#isPacked(group)) options.limit = Math.min(batchSize, rows - done)
        const stream = (await orPanic(this.#parquet.stream(options))) as AsyncIterable<RecordBatch>
        const before = done
        for await (const part of orPanicEach(stream)) {
          const batch = await readBatch(part.intoIPCStream(), new ArrowBatches(BOUNDS))
          if (!batch || batch.count === 0) continue
          done += batch.count
          this.#rowBytes = Math.max(this.#rowBytes, batch.bytes / batch.count)
          yield batch
        }
        if (done === before) return
      }
    } catch (cause) {
      if (cause instanceof VicinalError && cause.message.startsWith(this.path)) throw cause
      const isPanic = (cause as Error).name === 'RuntimeError'
      const what = isPanic
        ? 'its reader gave up; it is damaged, or decodes to more than 4 GiB'
        : (cause as Error).message
      throw this.#file.damaged(`row group ${group}: ${what}`)
    }
  }

  /** Whether a row group unpacks to much more than it takes in the file, or says. */
  #isPacked(group: number): boolean {
    const { rows, bytes, packedBytes } = this.#groups[group] as RowGroup
    const seen = Math.max(bytes, this.#rowBytes * rows)
    return seen > LARGE_BYTES && seen > PACKED_RATIO * packedBytes
  }

  #batchRows(group: number): number {
    const { rows, bytes } = this.#groups[group] as RowGroup
    const rowBytes = Math.max(this.#rowBytes, bytes / Math.max(1, rows))
    const most = this.#rowBytes === 0 ? FIRST_BATCH_ROWS : MOST_BATCH_ROWS
    return Math.max(1, Math.min(most, Math.floor(BATCH_BYTES / Math.max(1, rowBytes))))
  }

  share({ row }: Cursor): number {
    return this.#rowCount === 0 ? 1 : row / this.#rowCount
  }

  async close(): Promise<void> {
    try {
      this.#parquet.free()
    } catch {
      // After a panic it cannot be freed; the process ends soon.
    }
    await this.#file.close()
  }
}

async function* orPanicEach(stream: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  const batches = stream[Symbol.asyncIterator]()
  for (let next = await orPanic(batches.next()); !next.done; next = await orPanic(batches.next())) yield next.value
}

/**
 * The result of parquet-wasm's work. A panic of it, on damaged files or where its heap is full, is thrown outside of any
 * promise, and the promise stays pending.
 */
async function orPanic<T>(work: Promise<T>): Promise<T> {
  let onPanic: (error: Error) => void = () => {}
  const panic = new Promise<never>((_, reject) => {
    onPanic = reject
  })
  process.on('uncaughtException', onPanic)
  try {
    return await Promise.race([work, panic])
  } finally {
    process.off('uncaughtException', onPanic)
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
