import { halfToFloat } from '../readers/half-float.js'
import type { ReadRow } from '../readers/rows.js'
import {
  batchRows,
  type Cursor,
  FileBytes,
  type RowChoice,
  type Source,
  type SourceRows,
  type SourceShape,
} from './source.js'

/** Name of the only column of a file of bare vectors. */
export const VECTOR_COLUMN = 'vector'
const ID_COLUMN = 'id'
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
  /** Bytes of a row, and where its numbers begin in them. */
  rowBytes: number
  vectorAt: number
  /** Where its id is, of 64 bits. */
  idAt?: number
  checkRow?: (row: number, bytes: DataView) => void
  isDeleted?: (bytes: DataView) => boolean
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
    return this.#layout.rowBytes
  }

  async shape(): Promise<SourceShape> {
    const { rows, dim, idAt } = this.#layout
    const columns = idAt === undefined ? [VECTOR_COLUMN] : [ID_COLUMN, VECTOR_COLUMN]
    return { columns, vectors: new Map([[VECTOR_COLUMN, { kind: 'dense', size: dim }]]), isPoints: false, rows }
  }

  async *rows({ vectors }: RowChoice, from: Cursor): AsyncGenerator<SourceRows> {
    const { rows, dim, start } = this.#layout
    const [name = ''] = vectors.map(([of]) => of)
    const step = batchRows(dim)
    for (let first = from.row; first < rows; first += step) {
      const count = Math.min(step, rows - first)
      const bytes = await this.#file.read(start + first * this.#rowBytes, count * this.#rowBytes)
      const read = Array.from({ length: count }, (_, row) => this.#rowAt(bytes, row, first + row, name))
      const next = { at: first + count, row: first + count }
      yield { rows: read, first, next }
    }
  }

  #rowAt(bytes: Uint8Array<ArrayBuffer>, at: number, row: number, name: string): ReadRow | null {
    const { dim, kind, vectorAt, idAt, checkRow, isDeleted } = this.#layout
    const start = at * this.#rowBytes
    const view = new DataView(bytes.buffer, start, this.#rowBytes)
    checkRow?.(row, view)
    if (isDeleted?.(view)) return null
    const id = (idAt === undefined ? undefined : view.getBigUint64(idAt, true)) as bigint
    const floats = floatsOf(bytes.buffer, start + vectorAt, dim, kind)
    return { point: { id, vector: { [name]: floats } }, bytes: this.#rowBytes }
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
  return openMatrix(path, layoutOf)
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
  return { rows, dim, kind, start: start + length, rowBytes: dim * KIND_BYTES[kind], vectorAt: 0 }
}

/** The .fbin format of the big-ann benchmarks: number of rows and dimensions as 32-bit integers, then the rows. */
export async function openFbin(path: string): Promise<Source> {
  return openMatrix(path, async (file) => {
    if (file.size < FBIN_HEADER_BYTES) throw file.damaged('too short for an .fbin file')
    const header = new DataView((await file.read(0, FBIN_HEADER_BYTES)).buffer)
    const [rows, dim] = [header.getUint32(0, true), header.getUint32(4, true)]
    if (dim < 1) throw file.damaged('its vectors have no dimensions')
    return { rows, dim, kind: 'float32', start: FBIN_HEADER_BYTES, rowBytes: dim * FLOAT_BYTES, vectorAt: 0 }
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
    const checkRow = (row: number, bytes: DataView) => {
      const seen = bytes.getInt32(0, true)
      if (seen !== dim) throw file.damaged(`row ${row}: expected ${dim} dimensions, got ${seen}`)
    }
    return { rows: file.size / rowBytes, dim, kind: 'float32', start: 0, rowBytes, vectorAt: FLOAT_BYTES, checkRow }
  })
}

export async function openMatrix(path: string, layout: (file: FileBytes) => Promise<MatrixLayout>): Promise<Source> {
  const file = await FileBytes.open(path)
  try {
    return new MatrixSource(file, await layout(file))
  } catch (error) {
    await file.close()
    throw error
  }
}
