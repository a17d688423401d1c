import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { VicinalError } from '../core/errors.js'
import type { CollectionOptions } from '../core/schema.js'
import type { ReadRow, RowColumns, VectorShape } from '../readers/rows.js'

/**
 * A reader's position, from which a later run can go on. Rows before `row` are read. `at` locates the next row in the
 * reader's own unit: a row group, a byte or a batch.
 */
export interface Cursor {
  at: number
  row: number
  /** JSON text of the next point's id, of sources that are read by ids. */
  id?: string
}

/** Some rows of a file, one after the other. */
export interface SourceRows {
  /** null: a row that was deleted. */
  rows: readonly (ReadRow | null)[]
  /** Number of the first one in its file. */
  first: number
  /** Position after them; null inside a unit that can only be read as a whole. */
  next: Cursor | null
}

/** The vector columns that a reader is asked for, and the form of its rows. */
export interface RowChoice extends RowColumns {
  /** Rows are points as the API has them. */
  isPoints: boolean
}

/** The columns of a file, known before its rows are read. */
export interface SourceShape {
  columns: readonly string[]
  /** Columns that may hold vectors. Of points as the API has them: their vectors, by name. */
  vectors: ReadonlyMap<string, VectorShape>
  /** Whether rows are points as the API has them: `id`, `vector` and `payload`. */
  isPoints: boolean
  /** null if the count is only known at the end of the file. */
  rows: number | null
}

/** The collection that a source comes from: its options and payload indexes. */
export interface Model {
  options: CollectionOptions
  indexes: readonly (readonly [field: string, schema: unknown])[]
}

export interface Source {
  /** The name of the file, for its user. */
  readonly path: string
  shape(): Promise<SourceShape>
  /** Of sources that are collections themselves. */
  model?(): Promise<Model>
  /** Errors end the file; rows that are no points are among the rows. */
  rows(choice: RowChoice, from: Cursor): AsyncIterable<SourceRows>
  /** Share of the file that lies before a row or cursor, 0 to 1. */
  share(at: Cursor): number
  close(): Promise<void>
}

export const START: Cursor = { at: 0, row: 0 }
/** Most bytes of one row of text, or of one record batch in a stream. */
export const MOST_ROW_BYTES = 64 * 1024 * 1024

/** Numbers in one batch of a reader. This bounds its memory for any number of dimensions. */
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
    readonly handle: FileHandle,
  ) {}

  static async open(path: string): Promise<FileBytes> {
    let handle: FileHandle | undefined
    try {
      // A named pipe would wait for its writer.
      handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const stat = await handle.stat()
      if (!stat.isFile()) {
        throw new VicinalError('INVALID_ARGUMENT', `${path}: expected a file, got a ${kindOf(stat)}`)
      }
      return new FileBytes(path, stat.size, handle)
    } catch (cause) {
      await handle?.close()
      if (cause instanceof VicinalError) throw cause
      const code = (cause as NodeJS.ErrnoException).code
      const text = code === 'ENOENT' ? 'no such file' : (cause as Error).message
      throw new VicinalError(code === 'ENOENT' ? 'NOT_FOUND' : 'IO_FAILED', `${path}: ${text}`, { cause })
    }
  }

  /** Exactly these bytes, in a buffer of their own, so that any typed array can be laid over it. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    // A length read from the file may be any number.
    if (!(length >= 0 && position >= 0 && position + length <= this.size)) {
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
    return damaged(this.path, what)
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}

export function damaged(path: string, what: string): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `${path}: ${what}`)
}

function kindOf(stat: { isDirectory(): boolean; isFIFO(): boolean; isSocket(): boolean }): string {
  if (stat.isDirectory()) return 'folder'
  if (stat.isFIFO()) return 'pipe (give it as standard input)'
  return stat.isSocket() ? 'socket' : 'device'
}
