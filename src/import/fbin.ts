import { FileBytes } from './file-bytes.js'
import { type MatrixLayout, MatrixSource } from './matrix.js'
import type { Source } from './source.js'

const FLOAT_BYTES = 4
const FBIN_HEADER_BYTES = 8

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
