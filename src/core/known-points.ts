/** The keys of points, of their columns, and of texts in them. */
import type { ColumnarPoints } from './database.js'
import { checkKnown, checkPart, checkShape, isPlain, type KnownKeys, keysOf, shapeOf } from './known-keys.js'
import type { Bm25Options, Document, Point } from './point.js'
import { isDocument } from './sparse.js'

export const KNOWN_POINT = keysOf<Point>({ id: true, vector: true, payload: true })
/** Keys of a point whose payload is given already. */
export const KNOWN_VECTOR_UPDATE = keysOf<Omit<Point, 'payload'>>({ id: true, vector: true })
export const KNOWN_COLUMNS = keysOf<ColumnarPoints>({ ids: true, vectors: true, payloads: true })
const BM25 = keysOf<Bm25Options>({
  language: true,
  tokenizer: true,
  stopwords: true,
  stemmer: true,
  lowercase: true,
  ascii_folding: true,
  k: true,
  b: true,
  avg_len: true,
  min_token_len: true,
  max_token_len: true,
})
/** They have the wire's words here too. */
export const KNOWN_BM25 = shapeOf(BM25, {
  stopwords: shapeOf(new Set(['languages', 'custom'])),
  stemmer: shapeOf(new Set(['type', 'language'])),
})
const DOCUMENT = shapeOf(keysOf<Document>({ text: true, model: true, options: true }), { options: KNOWN_BM25 })

/** Of a text, wherever a vector may be. */
export function checkDocument(vector: unknown, field: string): void {
  if (isDocument(vector)) checkShape(vector, DOCUMENT, `${field}.`)
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
