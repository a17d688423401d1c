/**
 * Fusions of plain searches, passed as numbers in a row and an array of operands. The reason is that of
 * plain-search.ts: reading a fusion of two searches by property names took 5 µs.
 */
import type { FusedRequest, InFusion, SearchRequest, SparseSearchRequest } from './addon.js'
import { EXACT, HAS_THRESHOLD, INDEXED_ONLY, PAYLOAD } from './plain-search.js'

/** A fusion of more searches is read by property names. */
const MOST_PARTS = 16

/** Positions of the numbers (see readPlainFused in native/binding). */
const PARTS = 0
const LIMIT = 1
const OFFSET = 2
const FLAGS = 3
const K = 4
const THRESHOLD = 5
const CANCEL = 6
const INLINE_US = 7
const MOST_BYTES = 8
const HEADER = 9

/** Positions of each search's numbers. */
const PART_VECTOR = 0
const PART_LIMIT = 1
const PART_EF = 2
const PART_FLAGS = 3
const PART_RECALL = 4
const PART_THRESHOLD = 5
const PART_NUMBERS = 6

const SPARSE = 16
const TEXT = 32
const IDF = 64
const BY_SCORES = 128

type DensePart = InFusion<SearchRequest>
type SparsePart = InFusion<SparseSearchRequest>

/** For each search in turn: its query in two operands, and its filter. */
type Operands = (Float32Array | Uint32Array | Uint8Array | string | null)[]

/** Whether the fusion can be passed as numbers. All others are passed by property names. */
export function isPlainFusion({ parts, weights, fields }: FusedRequest): boolean {
  return weights === null && fields.vectors.length === 0 && parts.length <= MOST_PARTS && parts.every(isPlain)
}

function isPlain(part: DensePart | SparsePart): boolean {
  if (part.examples || part.exclude) return false
  return 'idf' in part ? !part.corpus : !part.codes
}

const numbers = new Float64Array(HEADER + MOST_PARTS * PART_NUMBERS)

/** The returned array is reused by the next call. */
export function fusionNumbersOf(request: FusedRequest, cancel: number, inlineUs: number): Float64Array {
  const { parts, scoreThreshold } = request
  numbers[PARTS] = parts.length
  numbers[LIMIT] = request.limit
  numbers[OFFSET] = request.offset
  numbers[K] = request.k
  numbers[THRESHOLD] = scoreThreshold ?? 0
  numbers[CANCEL] = cancel
  numbers[INLINE_US] = inlineUs
  numbers[MOST_BYTES] = request.fields.mostBytes ?? 0
  numbers[FLAGS] =
    (request.byScores ? BY_SCORES : 0) |
    (request.fields.payload ? PAYLOAD : 0) |
    (scoreThreshold === null ? 0 : HAS_THRESHOLD)
  for (let i = 0; i < parts.length; i++) putPart(parts[i] as DensePart | SparsePart, HEADER + i * PART_NUMBERS)
  return numbers
}

function putPart(part: DensePart | SparsePart, at: number): void {
  const isSparse = 'idf' in part
  numbers[at + PART_VECTOR] = part.vector
  numbers[at + PART_LIMIT] = part.limit
  numbers[at + PART_THRESHOLD] = part.scoreThreshold ?? 0
  numbers[at + PART_EF] = isSparse ? 0 : part.ef
  numbers[at + PART_RECALL] = isSparse ? 0 : part.recall
  numbers[at + PART_FLAGS] =
    (part.scoreThreshold === null ? 0 : HAS_THRESHOLD) |
    (isSparse
      ? SPARSE | (typeof part.text === 'string' ? TEXT : 0) | (part.idf ? IDF : 0)
      : (part.exact ? EXACT : 0) | (part.indexedOnly ? INDEXED_ONLY : 0))
}

export function operandsOf({ parts }: FusedRequest): Operands {
  const operands: Operands = []
  for (const part of parts) {
    if (!('idf' in part)) operands.push(part.query, null, part.filter)
    else if (typeof part.text === 'string') operands.push(part.text, part.textOptions ?? null, part.filter)
    else operands.push(part.indices, part.values, part.filter)
  }
  return operands
}
