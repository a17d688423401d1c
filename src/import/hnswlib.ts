import { type MatrixLayout, openMatrix } from './matrix.js'
import type { FileBytes, Source } from './source.js'

const HEADER_BYTES = 96
const LONG_BYTES = 8
const FLOAT_BYTES = 4
/** Byte of an element that holds the mark of deletion, and the mark. */
const DELETED_AT = 2
const DELETED = 1

/**
 * An index that hnswlib has saved, from Python, C++ or Node, as `saveIndex` of its hnswalg.h lays it out. The header is
 * followed by one element after the other: links of the lowest layer, the vector, its label. Layers above are not read.
 */
export async function openHnswlib(path: string): Promise<Source> {
  return openMatrix(path, layoutOf)
}

async function layoutOf(file: FileBytes): Promise<MatrixLayout> {
  if (file.size < HEADER_BYTES) throw file.damaged('too short for an index of hnswlib')
  const header = new DataView((await file.read(0, HEADER_BYTES)).buffer)
  const word = (at: number) => Number(header.getBigUint64(at * LONG_BYTES, true))
  const [offsetLevel0, mostRows, rows, rowBytes, idAt, vectorAt] = [
    word(0),
    word(1),
    word(2),
    word(3),
    word(4),
    word(5),
  ]
  const linkBytes = (word(8) + 1) * FLOAT_BYTES
  const isOurs =
    offsetLevel0 === 0 &&
    rows <= mostRows &&
    vectorAt === linkBytes &&
    idAt > vectorAt &&
    (idAt - vectorAt) % FLOAT_BYTES === 0 &&
    rowBytes === idAt + LONG_BYTES
  if (!isOurs) throw file.damaged('not an index of hnswlib with vectors of float32')
  const isDeleted = (bytes: DataView) => (bytes.getUint8(DELETED_AT) & DELETED) !== 0
  const dim = (idAt - vectorAt) / FLOAT_BYTES
  return { rows, dim, kind: 'float32', start: HEADER_BYTES, rowBytes, vectorAt, idAt, isDeleted }
}
