/**
 * BM25 as Qdrant and FastEmbed have it: a text becomes a sparse vector of the hashes of its words. A document has in
 * it how often each word comes, tempered by the document's length; how rare a word is, the collection's `idf` modifier
 * tells at each query. The kernel takes texts apart, by the analyser of text indexes; documents on its pool.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { invalid, type VicinalError } from '../core/errors.js'
import { checkDocument } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import type { Bm25Options, Document, StoredSparseVector } from '../core/point.js'
import { embedDocumentTexts, embedQueryText } from '../native/texts.js'
import { type Bm25Settings, settingsOf } from './bm25-options.js'

const MODEL = 'qdrant/bm25'
/** Characters that go to the kernel in one piece: some milliseconds of a thread of its pool. */
const CHARACTERS_A_PIECE = 65_536
/** Pieces under way at a time: more than threads, so that none waits for the next. */
const MOST_PIECES = 8

/** A document, and what to call it where it is wrong. */
export interface DocumentAt {
  document: Document
  field: string
}

/** Words of documents, weighed by how often they come; in the order of the documents. */
export async function embedDocuments(documents: readonly DocumentAt[]): Promise<StoredSparseVector[]> {
  const vectors: StoredSparseVector[] = []
  const begun: Promise<void>[] = []
  for (const piece of piecesOf(documents)) {
    const embedded = embedPiece(piece, vectors)
    // Reported below, once.
    embedded.catch(() => {})
    begun.push(embedded)
    // Encoding texts is this thread's: others get theirs in between.
    await (begun.length > MOST_PIECES ? begun[begun.length - MOST_PIECES - 1] : nextTurn())
  }
  await Promise.all(begun)
  return vectors
}

/** What can be said of a query's text without taking it apart. */
export function checkQueryDocument(document: Document, field: string): void {
  checkDocument(document, field)
  checked(document, field, LIMITS.queryDocumentLength)
}

/** Words of a query, each counting the same. */
export function embedQuery(document: Document, field: string): StoredSparseVector {
  const { text, textOptions } = queryText(document, field)
  return bounded(embedQueryText(textOptions, text), field)
}

/** The same for the kernel to make as it searches. */
export function queryText(document: Document, field: string): { text: string; textOptions: Uint8Array } {
  const { text, options } = checked(document, field, LIMITS.queryDocumentLength)
  return { text, textOptions: settingsOf(options, `${field}.options`).text }
}

export function noModel(document: Document, field: string): VicinalError {
  const { model } = document
  return invalid(`${field}.model`, `expected ${MODEL}, which makes sparse vectors; there are no other models`, model)
}

/** Documents one behind the other that are taken apart in the same way. */
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
    // An empty text costs something too.
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
