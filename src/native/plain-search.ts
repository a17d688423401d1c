/**
 * Plain searches: those that ask only for neighbours of a vector and their payloads, which nearly all do. Request and
 * result cross the boundary as numbers in a row. Reading or making one named property there takes as long as all of
 * them.
 */
import { ID_WORDS } from '../core/point.js'
import type { FoundRows, SearchRequest, SearchResult, TextBuffers } from './addon.js'

/** Positions of the numbers (see readPlainSearch in native/binding). */
const VECTOR = 0
const LIMIT = 1
const OFFSET = 2
const EF = 3
const CANCEL = 4
const FLAGS = 5
const RECALL = 6
const THRESHOLD = 7
const INLINE_US = 8
const MOST_BYTES = 9
const REPORTS_FROM_US = 10
const NUMBERS = 11

/** Of searches that never report their segments. */
const NEVER = -1

const EXACT = 1
const INDEXED_ONLY = 2
const PAYLOAD = 4
const HAS_THRESHOLD = 8

/** Doubles before the rows (see packedResult in native/binding). */
const HEADER = 10
const NO_VECTORS: SearchResult['vectors'] = []

/** Whether a search can be passed as numbers. A value of a wrong type is left to the other form, which reports it. */
export function isPlain(request: SearchRequest): boolean {
  const { examples, codes, exclude, explain, fields, scoreThreshold } = request
  return (
    !examples &&
    !codes &&
    !exclude &&
    !explain &&
    fields?.vectors.length === 0 &&
    typeof fields.payload === 'boolean' &&
    typeof request.exact === 'boolean' &&
    typeof request.indexedOnly === 'boolean' &&
    typeof request.vector === 'number' &&
    typeof request.limit === 'number' &&
    typeof request.offset === 'number' &&
    typeof request.ef === 'number' &&
    typeof request.recall === 'number' &&
    (scoreThreshold === null || typeof scoreThreshold === 'number')
  )
}

const numbers = new Float64Array(NUMBERS)

/** The returned array is reused by the next call. */
export function numbersOf(request: SearchRequest, cancel: number, inlineUs: number): Float64Array {
  const { scoreThreshold } = request
  numbers[VECTOR] = request.vector
  numbers[LIMIT] = request.limit
  numbers[OFFSET] = request.offset
  numbers[EF] = request.ef
  numbers[CANCEL] = cancel
  numbers[RECALL] = request.recall
  numbers[THRESHOLD] = scoreThreshold ?? 0
  numbers[INLINE_US] = inlineUs
  numbers[MOST_BYTES] = request.fields.mostBytes ?? 0
  numbers[REPORTS_FROM_US] = request.reportsFromUs ?? NEVER
  numbers[FLAGS] =
    (request.exact ? EXACT : 0) |
    (request.indexedOnly ? INDEXED_ONLY : 0) |
    (request.fields.payload ? PAYLOAD : 0) |
    (scoreThreshold === null ? 0 : HAS_THRESHOLD)
  return numbers
}

/** A large result, or one with more than payloads, is an object already. */
export function resultOf(found: FoundRows): SearchResult {
  return found instanceof Float64Array ? new PackedResult(found) : found
}

class PackedResult implements SearchResult {
  readonly count: number
  readonly seqs: Float64Array
  readonly ids: Uint32Array
  readonly scores: Float32Array
  readonly payloads: TextBuffers | null
  readonly vectors = NO_VECTORS
  readonly stats: PackedStats

  /** The buffer also holds other results. */
  constructor(packed: Float64Array<ArrayBuffer>) {
    const { buffer, byteOffset } = packed
    const count = packed[0] as number
    const payloadBytes = packed[6] as number
    const seqsAt = byteOffset + HEADER * Float64Array.BYTES_PER_ELEMENT
    const idsAt = seqsAt + count * Float64Array.BYTES_PER_ELEMENT
    const scoresAt = idsAt + count * ID_WORDS * Uint32Array.BYTES_PER_ELEMENT
    const offsetsAt = scoresAt + count * Float32Array.BYTES_PER_ELEMENT
    this.stats = new PackedStats(packed)
    this.count = count
    this.seqs = new Float64Array(buffer, seqsAt, count)
    this.ids = new Uint32Array(buffer, idsAt, count * ID_WORDS)
    this.scores = new Float32Array(buffer, scoresAt, count)
    this.payloads = payloadBytes < 0 ? null : payloadsAt(buffer, offsetsAt, count, payloadBytes)
  }
}

class PackedStats {
  readonly #packed: Float64Array

  constructor(packed: Float64Array) {
    this.#packed = packed
  }

  get visited(): number {
    return this.#packed[1] as number
  }
  get distances(): number {
    return this.#packed[2] as number
  }
  get matches(): number {
    return this.#packed[3] as number
  }
  get recall(): number {
    return this.#packed[4] as number
  }
  get tookUs(): number {
    return this.#packed[5] as number
  }
  get bytes(): number {
    return this.#packed[8] as number
  }
  get strategy(): string {
    const { buffer, byteOffset } = this.#packed
    return Buffer.from(buffer, byteOffset + (this.#packed[9] as number), this.#packed[7]).toString('latin1')
  }
}

function payloadsAt(buffer: ArrayBuffer, at: number, count: number, bytes: number): TextBuffers {
  // An empty result has no offsets.
  if (count === 0) return { bytes: new Uint8Array(0), offsets: new Uint32Array(1) }
  const offsets = new Uint32Array(buffer, at, count + 1)
  return { bytes: new Uint8Array(buffer, at + offsets.byteLength, bytes), offsets }
}
