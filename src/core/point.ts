import type { Document } from './bm25.js'
import { invalid } from './errors.js'
import { LIMITS } from './limits.js'
import { isCanonicalUuid, isTextId, uuidBytesOfText } from './text-ids.js'

export type { Bm25Options, Bm25Tokenizer, Document } from './bm25.js'

/**
 * A point's id: an unsigned 64-bit integer (a number up to 2^53, a bigint beyond) or a UUID. In a collection with
 * `ids: 'text'` it is any text of at most LIMITS.textIdBytes.
 */
export type PointId = number | bigint | string

/** The JSON object of a point. */
export type Payload = Record<string, unknown>

/** One dense vector. A Float32Array is taken as it is; other numbers are rounded to float32. */
export type Vector = Float32Array | Float64Array | readonly number[]

/** Whether a value may be a vector or a multivector: an array or a float array. Elements are not checked. */
export function isNumbers(value: unknown): value is Vector | MultiVector {
  return Array.isArray(value) || value instanceof Float32Array || value instanceof Float64Array
}

/** Any number of vectors under one name, such as one for each token of a text. They are compared by MaxSim. */
export type MultiVector = readonly Vector[]

/** The components that are not 0. Indices are unsigned 32-bit integers in any order, without repetitions. */
export interface SparseVector {
  /** Unsigned 32-bit integers, without repetitions. */
  indices: Uint32Array | readonly number[]
  /** One value for each index. */
  values: Float32Array | Float64Array | readonly number[]
}

/** A sparse vector as it is read: indices ascend. */
export interface StoredSparseVector extends SparseVector {
  /** In ascending order. */
  indices: Uint32Array
  /** One value for each index. */
  values: Float32Array
}

export type NamedVector = Vector | MultiVector | SparseVector | Document

/** The vectors of a point: one unnamed vector, or a record of named ones, of which some may be absent. */
export type PointVector = Vector | MultiVector | Readonly<Record<string, NamedVector>>

/** A vector as it is read. */
export type StoredVector = Float32Array | Float32Array[] | StoredSparseVector

/** A point to write. `payload` is any JSON object of at most LIMITS.payloadBytes; null or absent: none. */
export interface Point<P = Payload> {
  /** The point's id, unique in its collection. */
  id: PointId
  /** The vector, or a record of vectors by name. */
  vector: PointVector
  /** The JSON object; null or absent: none. */
  payload?: P | null
}

/** The name of the only vector of a collection created with one unnamed vector. */
export const UNNAMED_VECTOR = ''

/** A payload as the JSON text in which it is stored. The service returns the text unchanged; the library parses it. */
export class RawJson {
  constructor(readonly text: string) {}
  /** The parsed payload, for JSON.stringify. */
  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}

/** Number of 32-bit words of an encoded id: kind, then four words (see `encodeId`). */
export const ID_WORDS = 5
export const ID_KIND_NUMBER = 0
export const ID_KIND_UUID = 1
const MAX_U64 = 0xffff_ffff_ffff_ffffn
const TWO_32 = 4_294_967_296
const UUID = /^(?:urn:uuid:|\{)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$/i

/**
 * Points as columns: the one form in which writes pass from the decoders through the log to the kernel. Ids are
 * distinct. Vectors are finite, and under Cosine of unit length or zero.
 */
export interface PointColumns {
  count: number
  /** `ID_WORDS` words for each point. */
  ids: Uint32Array
  vectors: VectorColumn[]
  /** JSON texts of the payloads end to end; null if no point has one. */
  payloads: TextColumn | null
}

export interface VectorColumn {
  name: string
  /** `rows.length` vectors end to end; `count` of them if `rows` is null. */
  data: Float32Array
  /** Ascending positions of the points with this vector; null if all have it. */
  rows: Uint32Array | null
  /** For a multivector, the number of vectors of each of these points. Absent: one each. */
  counts?: Uint32Array
  /** For sparse vectors, whose values are in `data`. */
  sparse?: SparseParts
}

export interface SparseParts {
  /** Indices of all vectors end to end, ascending in each vector. */
  indices: Uint32Array
  /** Offsets into indices and values; one more than vectors. */
  offsets: Uint32Array
}

export interface TextColumn {
  bytes: Uint8Array
  /** `count + 1` offsets into bytes. An empty text means no payload (`{}`). */
  offsets: Uint32Array
}

/** Whether a value has the type of an id. A text may still be none: without text ids it has to be a UUID. */
export function isId(value: unknown): value is PointId {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0
  return typeof value === 'bigint' ? value >= 0n && value <= MAX_U64 : typeof value === 'string'
}

/**
 * Writes an id as `[kind, w0, w1, w2, w3]`. A number is its low and high word, with w2 = w3 = 0. A UUID is its four
 * big-endian words. Comparing words therefore orders UUIDs as their texts do. `isText`: the collection has text ids.
 */
export function encodeId(id: unknown, into: Uint32Array, at: number, field = 'id', isText = false): void {
  if (isText && !(typeof id === 'string' && isCanonicalUuid(id))) {
    encodeText(id, into, at, field)
  } else if (typeof id === 'number') {
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

function encodeText(id: unknown, into: Uint32Array, at: number, field: string): void {
  if (!isTextId(id)) {
    throw invalid(field, `expected a text of 1 to ${LIMITS.textIdBytes} bytes, as ids of this collection are texts`, id)
  }
  const uuid = uuidBytesOfText(id)
  into[at] = ID_KIND_UUID
  for (let word = 0; word < 4; word++) into[at + 1 + word] = uuid.readUInt32BE(word * 4)
}

/** The id at word position `at`: a number up to 2^53, a bigint beyond, or a lower-case UUID. */
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

export function encodeIds(ids: readonly unknown[], field = 'ids', isText = false): Uint32Array {
  const words = new Uint32Array(ids.length * ID_WORDS)
  for (let i = 0; i < ids.length; i++) encodeId(ids[i], words, i * ID_WORDS, `${field}[${i}]`, isText)
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
