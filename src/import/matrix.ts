import { halfToFloat } from '../intake/half-float.js'
import {
  batchRows,
  type ColumnChoice,
  type Cursor,
  FileBytes,
  type RowBatch,
  type Source,
  type SourceShape,
} from './source.js'

/** Name of the only column of a file of bare vectors. */
export const VECTOR_COLUMN = 'vector'
const MAGIC = '\x93NUMPY'
const PREAMBLE_BYTES = 12
const KINDS: Record<string, MatrixLayout['kind']> = { '<f2': 'float16', '<f4': 'float32', '<f8': 'float64' }
const FLOAT_BYTES = 4
const FBIN_HEADER_BYTES = 8

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

/** NumPy's format: magic, version, length of the header, a header that is a Python dictionary, the array. */
export async function openNpy(path: string): Promise<Source> {
  const file = await FileBytes.open(path)
  try {
    return new MatrixSource(file, await layoutOf(file))
  } catch (error) {
    await file.close()
    throw error
  }
}

async function layoutOf(file: FileBytes): Promise<MatrixLayout> {
  if (file.size < PREAMBLE_BYTES) throw file.damaged('too short for a .npy file')
  const preamble = await file.read(0, PREAMBLE_BYTES)
  if (Buffer.from(preamble.buffer, 0, MAGIC.length).toString('latin1') !== MAGIC) throw file.damaged('not a .npy file')
  const view = new DataView(preamble.buffer)
  const version = view.getUint8(MAGIC.length)
  // Version 1 has a 16-bit length, later ones a 32-bit length.
  const [start, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)]
  if (start + length > file.size) throw file.damaged(`its header ends at byte ${start + length} of ${file.size}`)
  const header = Buffer.from(await file.read(start, length)).toString('latin1')

  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? 'unknown'
  const kind = KINDS[type]
  if (!kind) throw file.damaged(`expected float16, float32 or float64 in little-endian order, got ${type}`)
  if (/'fortran_order':\s*True/.test(header))
    throw file.damaged('is in Fortran order; save numpy.ascontiguousarray of it')
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
  const [rows, dim] = shape.map(Number)
  if (shape.length !== 2 || rows === undefined || dim === undefined || dim < 1) {
    throw file.damaged(`expected an array of (rows, dimensions), got (${shape.join(', ')})`)
  }
  return { rows, dim, kind, start: start + length, rowPrefix: 0 }
}

/** The .fbin format of the big-ann benchmarks: number of rows and dimensions as 32-bit integers, then the rows. */
export async function openFbin(path: string): Promise<Source> {
  return openMatrix(path, async (file) => {
    if (file.size < FBIN_HEADER_BYTES) throw file.damaged('too short for an .fbin file')
    const header = new DataView((await file.read(0, FBIN_HEADER_BYTES)).buffer)
    const [rows, dim] = [header.getUint32(0, true), header.getUint32(4, true)]
    if (dim < 1) throw file.damaged('its vectors have no dimensions')
    return { rows, dim, kind: 'float32', start: FBIN_HEADER_BYTES, rowPrefix: 0 }
  })
}

/** The .fvecs format of the TEXMEX data sets: each row is its dimensions as a 32-bit integer, then the numbers. */
export async function openFvecs(path: string): Promise<Source> {
  return openMatrix(path, async (file) => {
    if (file.size < FLOAT_BYTES) throw file.damaged('too short for an .fvecs file')
    const dim = new DataView((await file.read(0, FLOAT_BYTES)).buffer).getInt32(0, true)
    const rowBytes = FLOAT_BYTES + dim * FLOAT_BYTES
    if (dim < 1 || file.size % rowBytes !== 0) {
      throw file.damaged(`its ${file.size} bytes are not rows of ${dim} dimensions (${rowBytes} bytes each)`)
    }
    const checkPrefix = (row: number, prefix: DataView) => {
      const seen = prefix.getInt32(0, true)
      if (seen !== dim) throw file.damaged(`row ${row}: expected ${dim} dimensions, got ${seen}`)
    }
    return { rows: file.size / rowBytes, dim, kind: 'float32', start: 0, rowPrefix: FLOAT_BYTES, checkPrefix }
  })
}

async function openMatrix(path: string, layout: (file: FileBytes) => Promise<MatrixLayout>): Promise<Source> {
  const file = await FileBytes.open(path)
  try {
    return new MatrixSource(file, await layout(file))
  } catch (error) {
    await file.close()
    throw error
  }
}
