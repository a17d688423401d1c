import { type FileHandle, open } from 'node:fs/promises'
import { VicinalError } from '../core/errors.js'
import type { Payload } from '../core/point.js'

/**
 * A reader's position, from which a later run can go on. Rows before `row` are read. `at` locates the next row in the
 * reader's own unit: a row group, a byte or a batch.
 */
export interface Cursor {
  at: number
  row: number
}

export interface VectorBatch {
  size: number
  /** `count × size` floats; rows without the vector hold zeros. */
  data: Float32Array
  /** 1 for each row that has the vector; null if all rows have it. */
  present: Uint8Array | null
}

/** Some rows of a file, decoded. */
export interface RowBatch {
  count: number
  /** Number of the first row in its file. */
  firstRow: number
  /** null if the file has no id column. */
  ids: readonly unknown[] | null
  /** Keyed by column. */
  vectors: ReadonlyMap<string, VectorBatch>
  payloads: (Payload | null)[] | null
  /** Position after this batch; null inside a unit that can only be read as a whole. */
  next: Cursor | null
}

export interface ColumnChoice {
  /** null: row numbers are the ids. */
  id: string | null
  vectors: readonly string[]
}

/** The columns of a file, known before its rows are read. */
export interface SourceShape {
  columns: readonly string[]
  /** Columns that hold vectors, with their dimensions. */
  vectors: ReadonlyMap<string, number>
  /** null if the count is only known at the end of the file. */
  rows: number | null
}

export interface Source {
  readonly path: string
  shape(): Promise<SourceShape>
  batches(choice: ColumnChoice, from: Cursor): AsyncIterable<RowBatch>
  /** Share of the file that lies before a row or cursor, 0 to 1. */
  share(at: Cursor): number
  close(): Promise<void>
}

export const START: Cursor = { at: 0, row: 0 }

/** Floats in one batch. This bounds the memory of the import for any number of dimensions. */
const BATCH_FLOATS = 2_097_152
const BATCH_ROWS = 8_192

/** Rows of one batch for vectors with this many floats a row in all. */
export function batchRows(floatsPerRow: number): number {
  return Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_FLOATS / Math.max(1, floatsPerRow))))
}

/** A user's file, read by position. Positions may be beyond 4 GiB. */
export class FileBytes {
  private constructor(
    readonly path: string,
    readonly size: number,
    readonly modifiedMs: number,
    readonly handle: FileHandle,
  ) {}

  static async open(path: string): Promise<FileBytes> {
    try {
      const handle = await open(path, 'r')
      const { size, mtimeMs } = await handle.stat()
      return new FileBytes(path, size, mtimeMs, handle)
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      const text = code === 'ENOENT' ? 'no such file' : (cause as Error).message
      throw new VicinalError(code === 'ENOENT' ? 'NOT_FOUND' : 'IO_FAILED', `${path}: ${text}`, { cause })
    }
  }

  /** Exactly these bytes, in a buffer of their own, so that any typed array can be laid over it. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    // A length read from the file may be any number.
    if (!(length >= 0 && position + length <= this.size)) {
      throw this.damaged(`ends at byte ${this.size}, expected ${position + length}`)
    }
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, position + done)
      if (bytesRead === 0) throw this.damaged(`ends at byte ${position + done}, expected ${position + length}`)
      done += bytesRead
    }
    return bytes
  }

  damaged(what: string): VicinalError {
    return new VicinalError('INVALID_ARGUMENT', `${this.path}: ${what}`)
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}
