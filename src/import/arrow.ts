import { VicinalError } from '../core/errors.js'
import { FlatTable } from '../readers/arrow/flatbuffer.js'
import { type ArrowMessage, ArrowMessages, SCHEMA, streamStart } from '../readers/arrow/messages.js'
import { type ArrowBatch, ArrowBatches } from '../readers/arrow-rows.js'
import type { VectorShape } from '../readers/rows.js'
import {
  type Cursor,
  damaged,
  FileBytes,
  type RowChoice,
  type Source,
  type SourceRows,
  type SourceShape,
} from './source.js'
import { openStream, readLast, STANDARD_INPUT, type StreamBytes } from './stream-bytes.js'
import { tableShape, withPayload } from './tables.js'

const FILE_MAGIC = Buffer.from('ARROW1')
/** The magic, padded, before the stream that a file holds. */
const FILE_HEAD_BYTES = 8
/** Length of the footer, and the magic again. */
const FILE_END_BYTES = 10
/** Most bytes of one record batch, and of all dictionaries. */
const MOST_BATCH_BYTES = 1024 * 1024 * 1024
const BOUNDS = { frameBytes: MOST_BATCH_BYTES, hold: () => {}, withBinary: true }

/** Arrow IPC, as a file or as a stream. A cursor's `at` is the number of a record batch. */
export async function openArrow(path: string): Promise<Source> {
  const footer = path === STANDARD_INPUT ? null : await readFooter(path)
  return new ArrowSource(await openStream(path), footer)
}

interface Footer {
  schema: FlatTable
  /** Byte at which it begins. */
  start: number
}

/** The footer of an Arrow file. Some writers have the schema only there. null: it is a stream. */
async function readFooter(path: string): Promise<Footer | null> {
  const file = await FileBytes.open(path)
  try {
    if (file.size < FILE_HEAD_BYTES + FILE_END_BYTES) return null
    const head = await file.read(0, FILE_MAGIC.length)
    if (!FILE_MAGIC.equals(head)) return null
    const end = Buffer.from((await file.read(file.size - FILE_END_BYTES, FILE_END_BYTES)).buffer)
    if (!end.subarray(4).equals(FILE_MAGIC)) throw file.damaged('an Arrow file without its end; is it cut?')
    const start = file.size - FILE_END_BYTES - end.readInt32LE(0)
    if (start < FILE_HEAD_BYTES || end.readInt32LE(0) < 0) throw file.damaged(`a footer of ${end.readInt32LE(0)} bytes`)
    const schema = FlatTable.root(await file.read(start, file.size - FILE_END_BYTES - start)).table(1)
    if (schema === null) throw file.damaged('a footer without a schema')
    return { schema, start }
  } catch (cause) {
    throw toldOf(path, cause)
  } finally {
    await file.close()
  }
}

class ArrowSource implements Source {
  readonly path: string
  readonly #bytes: StreamBytes
  readonly #footer: Footer | null
  #shape: SourceShape | null = null

  constructor(bytes: StreamBytes, footer: Footer | null) {
    this.path = bytes.path
    this.#bytes = bytes
    this.#footer = footer
  }

  async shape(): Promise<SourceShape> {
    this.#shape ??= await this.#readShape()
    return this.#shape
  }

  /** From the first batches, until each vector was seen. */
  async #readShape(): Promise<SourceShape> {
    const batches = new ArrowBatches(BOUNDS)
    const vectors = new Map<string, VectorShape>()
    for await (const { batch } of this.#batches(0, batches)) {
      for (const [column, shape] of batch.vectorShapes()) {
        if (shape.size > 0 || !vectors.has(column)) vectors.set(column, shape)
      }
      if ([...vectors.values()].every(({ kind, size }) => kind === 'sparse' || size > 0)) break
    }
    return tableShape(batches.fields, vectors, null)
  }

  async *rows(choice: RowChoice, from: Cursor): AsyncGenerator<SourceRows> {
    const columns = withPayload(choice, await this.shape())
    readLast(this.#bytes)
    let first = from.row
    for await (const { batch, index } of this.#batches(from.at, new ArrowBatches(BOUNDS))) {
      const end = first + batch.count
      for (const rows of batch.rows(columns)) {
        const row = first
        first += rows.length
        yield { rows, first: row, next: first === end ? { at: index + 1, row: end } : null }
      }
    }
  }

  /** Record batches from number `from` on. */
  async *#batches(from: number, batches: ArrowBatches): AsyncGenerator<{ batch: ArrowBatch; index: number }> {
    if (this.#footer) batches.useSchema(this.#footer.schema)
    let index = 0
    try {
      for await (const message of this.#messages()) {
        if (this.#footer && message.type === SCHEMA) continue
        const batch = await batches.read(message)
        if (batch === null) continue
        if (index >= from) yield { batch, index }
        index++
      }
    } catch (cause) {
      throw toldOf(this.path, cause)
    }
  }

  /** The messages of the stream. A file is a stream between its magic and its footer. */
  async *#messages(): AsyncGenerator<ArrowMessage> {
    let messages: ArrowMessages | null = null
    const { start: end } = this.#footer ?? { start: Number.POSITIVE_INFINITY }
    let at = 0
    for await (const piece of this.#bytes.pieces()) {
      const start = at === 0 ? streamStart(piece) : 0
      // A file has its footer behind the stream, which is not read where the file comes as one.
      messages ??= new ArrowMessages(MOST_BATCH_BYTES, () => {}, start > 0)
      yield* messages.push(piece.subarray(start, Math.max(0, end - at)))
      at += piece.length
      if (messages.isOver || at >= end) break
    }
    messages?.finish()
  }

  share(): number {
    return this.#bytes.share
  }

  close(): Promise<void> {
    return this.#bytes.close()
  }
}

function toldOf(path: string, cause: unknown): unknown {
  const isOurs = cause instanceof VicinalError && !cause.message.startsWith(path)
  return isOurs ? damaged(path, cause.message) : cause
}
