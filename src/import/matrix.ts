import { halfToFloat } from '../intake/half-float.js'
import type { FileBytes } from './file-bytes.js'
import { batchRows, type ColumnChoice, type Cursor, type RowBatch, type Source, type SourceShape } from './source.js'

/** Name of the only column of a file of bare vectors. */
export const VECTOR_COLUMN = 'vector'

export interface MatrixLayout {
  rows: number
  dim: number
  kind: 'float16' | 'float32' | 'float64'
  /** Byte of the first row. */
  start: number
  /** Bytes before the numbers of each row, and the check of these bytes. */
  rowPrefix: number
  checkPrefix?: (row: number, prefix: DataView) => void
}

export const KIND_BYTES = { float16: 2, float32: 4, float64: 8 } as const

/** A file that is one matrix, row by row: .npy, .fbin and .fvecs differ only in the header. */
export class MatrixSource implements Source {
  readonly path: string
  readonly #file: FileBytes
  readonly #layout: MatrixLayout

  constructor(file: FileBytes, layout: MatrixLayout) {
    this.path = file.path
    this.#file = file
    this.#layout = layout
    const bytes = layout.start + layout.rows * this.#rowBytes
    if (bytes > file.size) {
      throw file.damaged(
        `${file.size} bytes, expected ${bytes} for ${layout.rows} rows of ${layout.dim} ${layout.kind}`,
      )
    }
  }

  get #rowBytes(): number {
    return this.#layout.rowPrefix + this.#layout.dim * KIND_BYTES[this.#layout.kind]
  }

  async shape(): Promise<SourceShape> {
    const { rows, dim } = this.#layout
    return { columns: [VECTOR_COLUMN], vectors: new Map([[VECTOR_COLUMN, dim]]), rows }
  }

  async *batches(_choice: ColumnChoice, from: Cursor): AsyncGenerator<RowBatch> {
    const { rows, dim, start } = this.#layout
    const step = batchRows(dim)
    for (let row = from.row; row < rows; row += step) {
      const count = Math.min(step, rows - row)
      const bytes = await this.#file.read(start + row * this.#rowBytes, count * this.#rowBytes)
      const data = this.#floats(bytes, row, count)
      const next = { at: row + count, row: row + count }
      const vectors = new Map([[VECTOR_COLUMN, { size: dim, data, present: null }]])
      yield { count, firstRow: row, ids: null, vectors, payloads: null, next }
    }
  }

  #floats(bytes: Uint8Array<ArrayBuffer>, firstRow: number, count: number): Float32Array {
    const { dim, kind, rowPrefix, checkPrefix } = this.#layout
    if (rowPrefix === 0) return floatsOf(bytes.buffer, 0, count * dim, kind)
    const data = new Float32Array(count * dim)
    for (let i = 0; i < count; i++) {
      const at = i * this.#rowBytes
      checkPrefix?.(firstRow + i, new DataView(bytes.buffer, at, rowPrefix))
      data.set(floatsOf(bytes.buffer, at + rowPrefix, dim, kind), i * dim)
    }
    return data
  }

  share({ row }: Cursor): number {
    return this.#layout.rows === 0 ? 1 : row / this.#layout.rows
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function floatsOf(buffer: ArrayBuffer, at: number, length: number, kind: MatrixLayout['kind']): Float32Array {
  switch (kind) {
    case 'float32':
      return new Float32Array(buffer, at, length)
    case 'float64':
      return Float32Array.from(new Float64Array(buffer, at, length))
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer, at, length), halfToFloat)
  }
}
