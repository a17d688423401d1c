import { VicinalError } from '../core/errors.js'
import {
  ID_KIND_UUID,
  ID_WORDS,
  type PointColumns,
  type SparseParts,
  type TextColumn,
  type VectorColumn,
} from '../core/point.js'
import { isPlain } from '../core/vocabulary/plain.js'
import { MAX_BODY_BYTES } from './format.js'
import { malformed, pack, unpack } from './msgpack.js'

/**
 * One mutation as its effects: ids and values, never a filter or condition to evaluate again. Ids are encoded
 * (core/point.ts); texts are JSON.
 */
export type LogRecord =
  | { op: 'upsert'; columns: PointColumns; source?: SourcePosition }
  | { op: 'updateVectors'; columns: PointColumns }
  | { op: 'deleteVectors'; ids: Uint32Array; names: string[] }
  | { op: 'delete'; ids: Uint32Array }
  | { op: 'setPayload'; ids: Uint32Array; patch: string; key?: string }
  | { op: 'overwritePayload'; ids: Uint32Array; text: string }
  | { op: 'deletePayload'; ids: Uint32Array; keys: string[] }
  | { op: 'clearPayload'; ids: Uint32Array }

/** How many rows of a source are stored with a record and those before it. */
export interface SourcePosition {
  name: string
  position: number
  /** Its latest rows, where rules look back. Of each four words: vector, rows before `position`, hash. */
  recent?: { vectors: string[]; words: Uint32Array }
}

type Fields = Readonly<Record<string, unknown>>

export interface LogEntry {
  seq: number
  record: LogRecord
}

/** The same of a record that a log takes. Throws TOO_LARGE for more bytes than `most`. */
export function encodeBounded(record: LogRecord, most = MAX_BODY_BYTES): { chunks: Uint8Array[]; bytes: number } {
  const body = encodeRecord(record)
  if (body.bytes <= most) return body
  throw new VicinalError('TOO_LARGE', `points: expected at most ${most} bytes in one write, got ${body.bytes}`, {
    details: { field: 'points', bound: most, seen: body.bytes },
  })
}

/** A record's body as buffers to write end to end. Large buffers are not copied: the record goes on owning them. */
export function encodeRecord(record: LogRecord): { chunks: Uint8Array[]; bytes: number } {
  if (!('columns' in record)) return pack(record)
  const { op, columns } = record
  const { ids, vectors, payloads } = columns
  const told = vectors.map(({ name, data, sparse, rows, counts }) => ({ name, data, ...sparse, rows, counts }))
  const { source } = record as { source?: SourcePosition }
  // The position is a text: it may have 53 bits.
  const from = source && { ...source, position: String(source.position) }
  return pack({ op, ids, source: from, vectors: told, payloads })
}

/** Decodes the record of a body. Its arrays are copies. Throws CORRUPT if this build does not know the body's form. */
export function decodeRecord(body: Uint8Array): LogRecord {
  const fields = asMap(unpack(body), 'record')
  const op = asString(fields, 'op')
  const ids = asIds(fields)
  switch (op) {
    case 'upsert': {
      const columns = readColumns(fields, ids)
      return fields.source !== undefined ? { op, columns, source: readSource(fields) } : { op, columns }
    }
    case 'updateVectors':
      return { op, columns: readColumns(fields, ids) }
    case 'deleteVectors':
      return { op, ids, names: asStrings(fields, 'names') }
    case 'delete':
    case 'clearPayload':
      return { op, ids }
    case 'setPayload': {
      const patch = asString(fields, 'patch')
      return fields.key !== undefined ? { op, ids, patch, key: asString(fields, 'key') } : { op, ids, patch }
    }
    case 'overwritePayload':
      return { op, ids, text: asString(fields, 'text') }
    case 'deletePayload':
      return { op, ids, keys: asStrings(fields, 'keys') }
    default:
      throw malformed(`unknown operation ${JSON.stringify(op.slice(0, 32))}`)
  }
}

function readSource(fields: Fields): SourcePosition {
  const parts = asMap(fields.source, 'source')
  const position = Number(asString(parts, 'position'))
  if (!Number.isSafeInteger(position) || position < 0) throw malformed('the position of a source')
  const name = asString(parts, 'name')
  if (parts.recent === undefined) return { name, position }
  const recent = asMap(parts.recent, 'the latest rows of a source')
  return { name, position, recent: { vectors: asStrings(recent, 'vectors'), words: wordsOf(recent, 'words') } }
}

function readColumns(fields: Fields, ids: Uint32Array): PointColumns {
  const count = ids.length / ID_WORDS
  const vectors = fields.vectors
  if (!Array.isArray(vectors)) throw malformed('vectors is no list')
  return {
    count,
    ids,
    vectors: vectors.map((vector) => readVectors(vector, count)),
    payloads: readPayloads(fields, count),
  }
}

function readVectors(value: unknown, count: number): VectorColumn {
  const fields = asMap(value, 'vector')
  const name = asString(fields, 'name')
  const data = new Float32Array(wordsOf(fields, 'data').buffer)
  const rows = fields.rows === null ? null : wordsOf(fields, 'rows')
  for (let i = 0; rows !== null && i < rows.length; i++) {
    if ((rows[i] as number) >= count || (i > 0 && (rows[i] as number) <= (rows[i - 1] as number))) {
      throw malformed('positions of vectors that do not ascend')
    }
  }
  const rowCount = rows === null ? count : rows.length
  if (fields.indices !== undefined) return { name, data, rows, sparse: readSparse(fields, data.length, rowCount) }
  const counts = fields.counts !== undefined ? wordsOf(fields, 'counts') : undefined
  if (counts && counts.length !== rowCount) throw malformed('counts of multivectors')
  const vectorCount = !counts ? rowCount : counts.reduce((sum, each) => sum + each, 0)
  if (vectorCount === 0 ? data.length > 0 : data.length % vectorCount !== 0)
    throw malformed('vectors of unequal length')
  return counts ? { name, data, rows, counts } : { name, data, rows }
}

function readSparse(fields: Fields, values: number, vectorCount: number): SparseParts {
  const indices = wordsOf(fields, 'indices')
  const offsets = wordsOf(fields, 'offsets')
  if (indices.length !== values || offsets.length !== vectorCount + 1 || offsets[0] !== 0)
    throw malformed('a sparse vector of unequal lengths')
  if (offsets[vectorCount] !== values) throw malformed('offsets of sparse vectors')
  for (let i = 0; i < vectorCount; i++) {
    if ((offsets[i] as number) > (offsets[i + 1] as number)) throw malformed('offsets of sparse vectors')
  }
  return { indices, offsets }
}

function readPayloads(fields: Fields, count: number): TextColumn | null {
  const value = fields.payloads
  if (value === null) return null
  const parts = asMap(value, 'payloads')
  const bytes = new Uint8Array(asBinary(parts, 'bytes'))
  const offsets = wordsOf(parts, 'offsets')
  if (offsets.length !== count + 1 || (offsets[count] as number) > bytes.length) throw malformed('offsets of payloads')
  for (let i = 0; i < count; i++) {
    if ((offsets[i] as number) > (offsets[i + 1] as number)) throw malformed('offsets of payloads that do not ascend')
  }
  return { bytes, offsets }
}

function asIds(fields: Fields): Uint32Array {
  const ids = wordsOf(fields, 'ids')
  if (ids.length % ID_WORDS !== 0) throw malformed('ids of odd length')
  for (let at = 0; at < ids.length; at += ID_WORDS) {
    if ((ids[at] as number) > ID_KIND_UUID) throw malformed(`an id of kind ${ids[at]}`)
  }
  return ids
}

/** Copies a binary at any offset into an array aligned for 32-bit words. */
function wordsOf(fields: Fields, key: string): Uint32Array<ArrayBuffer> {
  const bytes = asBinary(fields, key)
  if (bytes.byteLength % Uint32Array.BYTES_PER_ELEMENT !== 0) throw malformed(`${key} of ${bytes.byteLength} bytes`)
  const words = new Uint32Array(bytes.byteLength / Uint32Array.BYTES_PER_ELEMENT)
  new Uint8Array(words.buffer).set(bytes)
  return words
}

function asMap(value: unknown, what: string): Fields {
  if (!isPlain(value)) throw malformed(`${what} is no map`)
  return value
}

function asBinary(fields: Fields, key: string): Uint8Array {
  const value = fields[key]
  if (!(value instanceof Uint8Array)) throw malformed(`${key} is no binary`)
  return value
}

function asString(fields: Fields, key: string): string {
  const value = fields[key]
  if (typeof value !== 'string') throw malformed(`${key} is no text`)
  return value
}

function asStrings(fields: Fields, key: string): string[] {
  const value = fields[key]
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw malformed(`${key} is no list of texts`)
  return value as string[]
}
