/** The keys of points, of their columns, and of texts in them. */
import { readBm25Options } from './bm25.js'
import type { ColumnarPoints } from './database.js'
import { checkKnown, checkPart, isPlain, type KnownKeys, keysOf } from './known-keys.js'
import type { Document, Point } from './point.js'
import { isDocument } from './sparse.js'

export const KNOWN_POINT = keysOf<Point>({ id: true, vector: true, payload: true })
/** Keys of a point whose payload is given already. */
export const KNOWN_VECTOR_UPDATE = keysOf<Omit<Point, 'payload'>>({ id: true, vector: true })
const DOCUMENT = keysOf<Document>({ text: true, model: true, options: true })
export const KNOWN_COLUMNS = keysOf<ColumnarPoints>({ ids: true, vectors: true, payloads: true })
/** A text, wherever a vector may be, with options in the library's names; any other value as it is. */
export function checkDocument<V>(vector: V, field: string): V | Document {
  if (!isDocument(vector)) return vector
  checkKnown(vector, DOCUMENT, `${field}.`)
  const { options } = vector
  return isPlain(options) ? { ...vector, options: readBm25Options(options, `${field}.options`, 'library') } : vector
}

/** Of a point, with the texts in it. `field` is its place. */
export function checkPoint(point: unknown, known: KnownKeys, field: string): void {
  if (!isPlain(point)) return
  checkKnown(point, known, `${field}.`)
  if (!isPlain(point.vector)) return
  for (const [name, vector] of Object.entries(point.vector))
    if (isDocument(vector)) checkDocument(vector, `${field}.vector.${name}`)
}

/** Of columns, with the texts in them. */
export function checkColumns(points: unknown, at: string): void {
  checkPart(points, KNOWN_COLUMNS, at)
  if (!isPlain(points) || !isPlain(points.vectors)) return
  for (const [name, column] of Object.entries(points.vectors)) {
    if (!Array.isArray(column)) continue
    for (const [row, vector] of column.entries())
      if (isDocument(vector)) checkDocument(vector, `${at}vectors.${name}[${row}]`)
  }
}
