import { FileBytes } from './file-bytes.js'
import { type MatrixLayout, MatrixSource } from './matrix.js'
import type { Source } from './source.js'

const MAGIC = '\x93NUMPY'
const PREAMBLE_BYTES = 12
const KINDS: Record<string, MatrixLayout['kind']> = { '<f2': 'float16', '<f4': 'float32', '<f8': 'float64' }

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
