import { invalid } from './errors.js'

/** A point's name: an unsigned 64-bit integer (number while it is safe, bigint beyond) or a UUID. */
export type PointId = number | bigint | string

export type Payload = Record<string, unknown>

/** One dense vector. A Float32Array is taken as it is; other numbers are rounded to float32. */
export type Vector = Float32Array | Float64Array | readonly number[]

/** Whether a value has the type of a vector, or of several. */
export function isNumbers(value: unknown): value is Vector | MultiVector {
  return Array.isArray(value) || value instanceof Float32Array || value instanceof Float64Array
}

/** Any number of vectors under one name, compared by MaxSim: of the tokens of a text, say. */
export type MultiVector = readonly Vector[]

/** The components that are not zero: an index of 32 bits each, in any order, none twice. */
export interface SparseVector {
  indices: Uint32Array | readonly number[]
  values: Float32Array | Float64Array | readonly number[]
}

/** As read: indices ascend. */
export interface StoredSparseVector extends SparseVector {
  indices: Uint32Array
  values: Float32Array
}

/** A text that the model turns into a vector: `qdrant/bm25`, into a sparse one. */
export interface Document {
  text: string
  model: string
  options?: Bm25Options | null
}

/** In the wire's words; a language is a name (`english`) or an ISO 639-1 code (`en`). */
export interface Bm25Options {
  /** Of the stop words and the stemmer; default `english`. */
  language?: string | null
  /** Default `word`. */
  tokenizer?: Bm25Tokenizer | null
  /** A language's, or those of several and some of one's own; default those of `language`. */
  stopwords?: string | { languages?: readonly string[] | null; custom?: readonly string[] | null } | null
  /** Default that of `language`. */
  stemmer?: { type: 'snowball'; language: string } | { type: 'none' } | null
  /** Default true. */
  lowercase?: boolean | null
  /** Default false. */
  ascii_folding?: boolean | null
  /** How soon more of the same word stops to count more; default 1.2. */
  k?: number | null
  /** How much long texts count less, from 0 to 1; default 0.75. */
  b?: number | null
  /** Words of a text on average; default 256. */
  avg_len?: number | null
  /** In characters; shorter and longer words are left out. */
  min_token_len?: number | null
  max_token_len?: number | null
}
export type Bm25Tokenizer = 'word' | 'whitespace' | 'prefix' | 'multilingual'

export type NamedVector = Vector | MultiVector | SparseVector | Document

/** The vector of a point: one unnamed vector, or a record of named ones (some may be absent). */
export type PointVector = Vector | MultiVector | Readonly<Record<string, NamedVector>>

/** As it is read. */
export type StoredVector = Float32Array | Float32Array[] | StoredSparseVector

export interface Point<P = Payload> {
  id: PointId
  vector: PointVector
  payload?: P | null
}

/** The name of the only vector of a collection created with one unnamed vector. */
export const UNNAMED_VECTOR = ''

/**
 * Payload as the JSON text it is stored as. The service answers with it as it is; the library parses it.
 */
export class RawJson {
  constructor(readonly text: string) {}
  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}

/** 32-bit words an encoded id takes: kind, then four words (see `encodeId`). */
export const ID_WORDS = 5
export const ID_KIND_NUMBER = 0
export const ID_KIND_UUID = 1
const MAX_U64 = 0xffff_ffff_ffff_ffffn
const TWO_32 = 4_294_967_296
const UUID = /^(?:urn:uuid:|\{)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$/i

/**
 * Columns of points: the one shape in which writes travel from the decoders over the log into the kernel.
 * Ids are distinct, vectors finite and, under Cosine, of unit length (or zero).
 */
export interface PointColumns {
  count: number
  /** `ID_WORDS` words a point. */
  ids: Uint32Array
  vectors: VectorColumn[]
  /** JSON text of the payloads end to end, or null when no point brings one. */
  payloads: TextColumn | null
}

export interface VectorColumn {
  name: string
  /** `rows.length` (or `count`, when rows is null) vectors end to end. */
  data: Float32Array
  /** Ascending positions of the points that have this vector; null when all have. */
  rows: Uint32Array | null
  /** Of a multivector, how many each of these points has; without it one each. */
  counts?: Uint32Array
  /** Of sparse vectors, whose values are in `data`. */
  sparse?: SparseParts
}

export interface SparseParts {
  /** Of all vectors end to end, ascending in each. */
  indices: Uint32Array
  /** One more than vectors, into indices and values. */
  offsets: Uint32Array
}

export interface TextColumn {
  bytes: Uint8Array
  /** `count + 1` offsets into bytes; an empty span is an absent payload (`{}`). */
  offsets: Uint32Array
}

/**
 * Writes an id as `[kind, w0, w1, w2, w3]`: a number as its low and high word (w2 = w3 = 0), a UUID as
 * its four big-endian words, so that comparing words orders numbers and UUIDs as their texts do.
 */
export function encodeId(id: unknown, into: Uint32Array, at: number, field = 'id'): void {
  if (typeof id === 'number') {
    if (!Number.isSafeInteger(id) || id < 0) throw invalid(field, 'expected an unsigned 64-bit integer or a UUID', id)
    into[at] = ID_KIND_NUMBER
    into[at + 1] = id % TWO_32
    into[at + 2] = Math.floor(id / TWO_32)
    into[at + 3] = 0
    into[at + 4] = 0
  } else if (typeof id === 'bigint') {
    if (id < 0n || id > MAX_U64) throw invalid(field, 'expected an unsigned 64-bit integer or a UUID', id)
    into[at] = ID_KIND_NUMBER
    into[at + 1] = Number(id & 0xffff_ffffn)
    into[at + 2] = Number(id >> 32n)
    into[at + 3] = 0
    into[at + 4] = 0
  } else {
    const parts = typeof id === 'string' ? UUID.exec(id) : null
    if (!parts) throw invalid(field, 'expected an unsigned 64-bit integer or a UUID', id)
    const hex = parts.slice(1).join('')
    into[at] = ID_KIND_UUID
    for (let word = 0; word < 4; word++) into[at + 1 + word] = Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16)
  }
}

/** The id at word position `at`: a number while it is safe, a bigint beyond, a lower-case UUID text. */
export function decodeId(words: Uint32Array, at: number): PointId {
  if (words[at] === ID_KIND_NUMBER) {
    const high = words[at + 2] as number
    const low = words[at + 1] as number
    return high < 0x20_0000 ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low)
  }
  let hex = ''
  for (let word = 1; word <= 4; word++) hex += (words[at + word] as number).toString(16).padStart(8, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function encodeIds(ids: readonly unknown[], field = 'ids'): Uint32Array {
  const words = new Uint32Array(ids.length * ID_WORDS)
  for (let i = 0; i < ids.length; i++) encodeId(ids[i], words, i * ID_WORDS, `${field}[${i}]`)
  return words
}

export function decodeIds(words: Uint32Array): PointId[] {
  const ids: PointId[] = new Array(words.length / ID_WORDS)
  for (let i = 0; i < ids.length; i++) ids[i] = decodeId(words, i * ID_WORDS)
  return ids
}

/** The encoded id at `at` as a key of a Map. */
export function idKey(ids: Uint32Array, at: number): string {
  return String.fromCharCode(...new Uint16Array(ids.slice(at, at + ID_WORDS).buffer))
}

/** Encoded ids without repetitions, each where it came first. */
export function distinctIds(ids: Uint32Array): Uint32Array {
  const seen = new Set<string>()
  const kept: number[] = []
  for (let at = 0; at < ids.length; at += ID_WORDS) {
    const key = idKey(ids, at)
    if (!seen.has(key)) kept.push(...ids.subarray(at, at + ID_WORDS))
    seen.add(key)
  }
  return kept.length === ids.length ? ids : Uint32Array.from(kept)
}
