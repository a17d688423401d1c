/**
 * BM25 as in Qdrant and FastEmbed: a text becomes a sparse vector of its words' hashes. A document's values are its
 * word counts, damped by its length. The collection's `idf` modifier adds the IDF of words at each query. The kernel
 * splits texts with the analyser of text indexes; documents are split on its pool.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { invalid, type VicinalError } from '../core/errors.js'
import { checkDocument } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import type { Bm25Options, Document, StoredSparseVector } from '../core/point.js'
import { embedDocumentTexts, embedQueryText } from '../native/texts.js'
import { type Bm25Settings, settingsOf } from './bm25-options.js'

const MODEL = 'qdrant/bm25'
/** Characters that one task of the kernel's pool takes: some milliseconds of a thread. */
const CHARACTERS_A_PIECE = 65_536
/** Pieces in work at once. They are more than threads, so no thread waits for the next piece. */
const MOST_PIECES = 8

/** A document, and its name in errors. */
export interface DocumentAt {
  document: Document
  field: string
}

/** Sparse vectors of documents, weighted by word counts, in the order of the documents. */
export async function embedDocuments(documents: readonly DocumentAt[]): Promise<StoredSparseVector[]> {
  const vectors: StoredSparseVector[] = []
  const begun: Promise<void>[] = []
  for (const piece of piecesOf(documents)) {
    const embedded = embedPiece(piece, vectors)
    // `Promise.all` below reports the error once.
    embedded.catch(() => {})
    begun.push(embedded)
    // This thread encodes the texts, so other work gets its turns in between.
    await (begun.length > MOST_PIECES ? begun[begun.length - MOST_PIECES - 1] : nextTurn())
  }
  await Promise.all(begun)
  return vectors
}

/** Checks a query's text as far as possible without splitting it. */
export function checkQueryDocument(document: Document, field: string): void {
  checkDocument(document, field)
  checked(document, field, LIMITS.queryDocumentLength)
}

/** The sparse vector of a query; each word has weight 1. */
export function embedQuery(document: Document, field: string): StoredSparseVector {
  const { text, textOptions } = queryText(document, field)
  return bounded(embedQueryText(textOptions, text), field)
}

/** The text and its options, for the kernel to split during the search. */
export function queryText(document: Document, field: string): { text: string; textOptions: Uint8Array } {
  const { text, options } = checked(document, field, LIMITS.queryDocumentLength)
  return { text, textOptions: settingsOf(options, `${field}.options`).text }
}

export function noModel(document: Document, field: string): VicinalError {
  const { model } = document
  return invalid(`${field}.model`, `expected ${MODEL}, which makes sparse vectors; there are no other models`, model)
}

/** Consecutive documents that are split with the same settings. */
interface Piece {
  settings: Bm25Settings
  from: number
  texts: string[]
  fields: string[]
}

function* piecesOf(documents: readonly DocumentAt[]): Generator<Piece> {
  let piece: Piece | null = null
  let characters = 0
  for (const [i, { document, field }] of documents.entries()) {
    checkDocument(document, field)
    const { text, options } = checked(document, field, LIMITS.documentLength)
    const settings = settingsOf(options, `${field}.options`)
    if (piece && (piece.settings !== settings || characters + text.length > CHARACTERS_A_PIECE)) {
      yield piece
      piece = null
    }
    if (!piece) {
      piece = { settings, from: i, texts: [], fields: [] }
      characters = 0
    }
    piece.texts.push(text)
    piece.fields.push(field)
    // An empty text has a cost too.
    characters += text.length + 16
  }
  if (piece) yield piece
}

async function embedPiece({ settings, from, texts, fields }: Piece, into: StoredSparseVector[]): Promise<void> {
  const vectors = await embedDocumentTexts(settings.text, texts, settings.weights)
  for (const [i, vector] of vectors.entries()) into[from + i] = bounded(vector, fields[i] as string)
}

function bounded(vector: StoredSparseVector, field: string): StoredSparseVector {
  if (vector.indices.length <= LIMITS.sparseEntries) return vector
  throw invalid(`${field}.text`, `expected at most ${LIMITS.sparseEntries} different words`, vector.indices.length)
}

function checked(document: Document, field: string, mostLength: number): { text: string; options: Bm25Options } {
  const { text, model, options } = document
  if (typeof text !== 'string') throw invalid(`${field}.text`, 'expected a text', text)
  if (typeof model !== 'string' || model.toLowerCase() !== MODEL) throw noModel(document, field)
  if (text.length > mostLength) {
    throw invalid(`${field}.text`, `expected at most ${mostLength} characters`, text.length)
  }
  if (options === undefined || options === null) return { text, options: {} }
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalid(`${field}.options`, 'expected an object', options)
  }
  return { text, options }
}
