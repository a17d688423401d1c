import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { VicinalError } from '../core/errors.js'
import { ArrowMessages, streamStart } from '../readers/arrow/messages.js'
import { type ArrowBatch, ArrowBatches } from '../readers/arrow-rows.js'
import { type Lance, lanceNative } from '../storage/lance-native.js'
import { type Cursor, damaged, type RowChoice, type Source, type SourceRows, type SourceShape } from './source.js'
import { tableShape, withPayload } from './tables.js'

const ENDING = /\.lance$/
const MOST_BATCH_BYTES = 1024 * 1024 * 1024
const BOUNDS = { frameBytes: MOST_BATCH_BYTES, hold: () => {}, withBinary: true }
const SHAPE_ROWS = 1024
const BATCH_ROWS = 4096

/** A table of LanceDB: the folder `name.lance`. A cursor's rows are left out by Lance itself. */
export async function openLance(path: string): Promise<Source> {
  const folder = resolve(path)
  const found = await stat(folder).catch(() => null)
  if (!found) throw new VicinalError('NOT_FOUND', `${path}: no such folder`)
  if (!found.isDirectory() || !ENDING.test(folder))
    throw damaged(path, 'expected the folder of a Lance table, NAME.lance')
  try {
    const database = await lanceNative().Connection.new(dirname(folder), {})
    const table = await database.openTable(basename(folder).replace(ENDING, ''), [])
    return new LanceSource(path, table, await table.countRows())
  } catch (cause) {
    throw damaged(path, `not a Lance table that can be read: ${firstLine(cause)}`)
  }
}

class LanceSource implements Source {
  readonly path: string
  readonly #table: Lance
  readonly #count: number
  #shape: SourceShape | null = null

  constructor(path: string, table: Lance, count: number) {
    this.path = path
    this.#table = table
    this.#count = count
  }

  async shape(): Promise<SourceShape> {
    if (this.#shape) return this.#shape
    for await (const { batches, batch } of this.#batches(0, SHAPE_ROWS)) {
      this.#shape = tableShape(batches.fields, batch.vectorShapes(), this.#count)
      break
    }
    this.#shape ??= tableShape([], new Map(), this.#count)
    return this.#shape
  }

  async *rows(choice: RowChoice, from: Cursor): AsyncGenerator<SourceRows> {
    const columns = withPayload(choice, await this.shape())
    let first = from.row
    for await (const { batch } of this.#batches(from.row)) {
      for (const rows of batch.rows(columns)) {
        yield { rows, first, next: { at: 0, row: first + rows.length } }
        first += rows.length
      }
    }
  }

  async *#batches(offset: number, limit?: number): AsyncGenerator<{ batches: ArrowBatches; batch: ArrowBatch }> {
    const query = this.#table.query()
    query.offset(offset)
    query.limit(limit ?? this.#count)
    try {
      const found = await query.execute(BATCH_ROWS)
      for (let file = await found.next(); file; file = await found.next()) {
        const batches = new ArrowBatches(BOUNDS)
        const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
        const stream = bytes.subarray(streamStart(bytes))
        for (const message of new ArrowMessages(MOST_BATCH_BYTES, () => {}, true).push(stream)) {
          const batch = await batches.read(message)
          if (batch) yield { batches, batch }
        }
      }
    } catch (cause) {
      if (cause instanceof VicinalError && cause.message.startsWith(this.path)) throw cause
      throw damaged(this.path, firstLine(cause))
    }
  }

  share({ row }: Cursor): number {
    return this.#count === 0 ? 1 : row / this.#count
  }

  async close(): Promise<void> {
    this.#table.close()
  }
}

function firstLine(cause: unknown): string {
  return (cause as Error).message.split('\n')[0] as string
}
