/** Points of bodies: one by one in upserts and vector updates, and as columns. */
import { readBm25Options } from '../core/bm25.js'
import type { ColumnarPoints, ColumnarVectors } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import {
  isId,
  type MultiVector,
  type NamedVector,
  type Payload,
  type Point,
  type PointId,
  type PointVector,
  type SparseVector,
  type Vector,
} from '../core/point.js'
import { leaf } from '../core/query-leaves.js'
import { fieldOf, type Place } from '../core/vocabulary/place.js'
import { type Read, Reading } from '../core/vocabulary/reading.js'
import {
  arrayAt,
  bytesAt,
  floatsAt,
  idsAt,
  isObject,
  isPresent,
  objectAt,
  textAt,
  unsupported,
  type WireObject,
} from './fields.js'
import { parseJson } from './json.js'
import { brokenRules, isListOfVectors } from './vector-shape.js'

/** Inputs that Qdrant embeds, besides texts. */
export const INFERRED = ['image', 'object'] as const

/** By hand, since a body may have a million points: only a refusal makes a text of its place. */
export function pointsAt(given: unknown, place: Place | null, reading: Reading): Point[] {
  const points = given as readonly unknown[]
  checkCount(points.length, place, reading)
  return points.map((value, key) => pointIn(value, { parent: place, key }, reading))
}

function pointIn(value: unknown, at: Place | null, reading: Reading): Point {
  const point = objectIn(value, at, reading)
  const id = idIn(point.id, at, reading)
  const vector = vectorsIn(vectorsOf(point, at, reading), { parent: at, key: 'vector' }, reading)
  if (!isPresent(point.payload)) return { id, vector }
  return { id, vector, payload: payloadIn(point.payload, { parent: at, key: 'payload' }, reading) }
}

/** Vectors of odd lengths are left to the collection: it may have a rule for them, and refuses them without one. */
class RowReading extends Reading {
  override violates(): void {}
}

/** One point by itself: a row of a stream. Without vectors it is left to the collection, which may have a rule for that. */
export function pointOf(value: unknown): Point {
  const reading = new RowReading('library', 'row')
  const point = objectIn(value, null, reading)
  const id = idIn(point.id, null, reading)
  const vectors = vectorsOf(point, null, reading)
  const vector = (
    isPresent(vectors) ? vectorsIn(vectors, { parent: null, key: 'vector' }, reading) : null
  ) as PointVector
  const payload = isPresent(point.payload) ? payloadIn(point.payload, { parent: null, key: 'payload' }, reading) : null
  reading.end()
  return payload === null ? { id, vector } : { id, vector, payload }
}

export function updatesAt(given: unknown, place: Place | null, reading: Reading): object[] {
  const points = given as readonly unknown[]
  checkCount(points.length, place, reading)
  return points.map((value, key) => {
    const at = { parent: place, key }
    const point = objectIn(value, at, reading)
    const id = idIn(point.id, at, reading)
    const vectors = vectorsOf(point, at, reading)
    const isNone = isObject(vectors)
      ? Object.keys(vectors).length === 0
      : Array.isArray(vectors) && vectors.length === 0
    const inPoint = { parent: at, key: 'vector' }
    if (!isNone) return { id, vector: vectorsIn(vectors, inPoint, reading) }
    const rule = 'must specify vectors to update for point'
    reading.violates({ place: inPoint, expected: 'a vector', rule, seen: vectors })
    return { id, vector: [] }
  })
}

function objectIn(value: unknown, place: Place | null, reading: Reading): WireObject {
  if (!isObject(value)) throw reading.mistyped(place, 'an object', value ?? null)
  return value
}

function idIn(id: unknown, point: Place | null, reading: Reading): PointId {
  if (isId(id)) return id
  throw reading.mistyped({ parent: point, key: 'id' }, 'an unsigned 64-bit integer or a UUID', id ?? null)
}

/** As in Qdrant, `vectors` is another name. */
function vectorsOf({ vector, vectors }: WireObject, point: Place | null, reading: Reading): unknown {
  if (!isPresent(vectors)) return vector
  if (!isPresent(vector)) return vectors
  throw reading.mistyped({ parent: point, key: 'vectors' }, 'one spelling, got vector and vectors')
}

const otherPayload = leaf((value, field) => payloadAt(value, field()))

export function payloadIn(value: unknown, place: Place | null, reading: Reading): Payload {
  return (isObject(value) ? value : otherPayload(value, place, reading)) as Payload
}

/** A payload: an object, or in MessagePack also a bin that holds its JSON text. */
function payloadAt(value: unknown, field: string): Payload {
  const text = bytesAt(value)
  return objectAt(text ? parseJson(asBuffer(text), field) : value, field) as Payload
}

function vectorsIn(value: unknown, place: Place, reading: Reading): PointVector {
  if (!isPresent(value)) throw reading.mistyped(place, 'a vector, or an object of vectors by name', value ?? null)
  if (!isObject(value)) return vectorIn(value, place, reading) as Vector | MultiVector
  // A text to embed has known keys, so it is no record of names.
  if ('text' in value && 'model' in value) {
    const field = `${fieldOf(place, '')}.text`
    if (typeof value.text !== 'string') throw reading.mistyped({ parent: place, key: 'text' }, 'a text', value.text)
    throw unsupported(`${field} (of an unnamed vector)`)
  }
  const named: Record<string, NamedVector> = {}
  for (const name of Object.keys(value)) {
    const vector = vectorIn(value[name], { parent: place, key: name, isName: true }, reading)
    Object.defineProperty(named, name, { value: vector, enumerable: true })
  }
  return named
}

const otherVector = leaf((value, field) => (isObject(value) ? namedVectorAt(value, field()) : vectorAt(value, field())))

/** One vector of any kind, with Qdrant's rules of a vector by itself, whatever the collection. */
function vectorIn(value: unknown, place: Place, reading: Reading): NamedVector {
  if (value instanceof Float32Array) return value
  if (Array.isArray(value) && value.length > 0 && !isListOfVectors(value)) {
    const wrong = value.findIndex((one) => typeof one !== 'number')
    if (wrong >= 0) throw reading.mistyped({ parent: place, key: wrong }, 'a number', value[wrong] ?? null)
    return value as readonly number[]
  }
  const vector = otherVector(value, place, reading) as NamedVector
  if (Array.isArray(vector) && vector.length === 0) {
    const rule = 'dense vector must not be empty'
    reading.violates({ place, part: 'vector', expected: 'a vector', rule, seen: vector })
  }
  for (const { part, rule } of brokenRules(vector)) {
    const broken = part === 'data' ? { place, part } : { place: { parent: place, key: part } }
    reading.violates({ ...broken, expected: `a vector: ${rule}`, rule, seen: vector })
  }
  return vector
}

/** A sparse vector and a document pass as they are: the engine checks them. */
export function namedVectorAt(value: unknown, field: string): NamedVector {
  if (!isObject(value)) return vectorAt(value, field)
  if ('indices' in value || 'values' in value) {
    const { indices, values } = value
    return {
      indices: wordsOrNumbers(indices, `${field}.indices`),
      values: vectorAt(values, `${field}.values`) as Vector,
    }
  }
  if ('text' in value) {
    const { text, model, options } = value
    return {
      text: textAt(text, `${field}.text`),
      model: textAt(model, `${field}.model`),
      options: isPresent(options) ? readBm25Options(options, `${field}.options`, 'wire') : null,
    }
  }
  const inferred = INFERRED.find((name) => Object.hasOwn(value, name))
  if (inferred) throw unsupported(`${field}.${inferred}`)
  const expected = 'expected a vector, a sparse vector { indices, values } or a document { text, model }'
  throw invalid(field, expected, Object.keys(value)[0] ?? {})
}

/** Numbers, or a bin of 32-bit little-endian words. */
function wordsOrNumbers(value: unknown, field: string): Uint32Array | readonly number[] {
  // Numbers of JSON that became floats are no words: none are where these are expected.
  const bin = value instanceof Float32Array ? null : bytesAt(value)
  if (!bin) return arrayAt(value, field) as readonly number[]
  const { buffer, byteOffset, length } = floatsAt(bin, field)
  return new Uint32Array(buffer, byteOffset, length)
}

/** A vector: an array of numbers, which the engine checks one by one, or a bin. A multivector: an array of those. */
export function vectorAt(value: unknown, field: string): Vector | MultiVector {
  const bin = bytesAt(value)
  if (bin) return floatsAt(bin, field)
  if (isObject(value) && ('indices' in value || 'model' in value)) throw unsupported(field)
  const vector = arrayAt(value, field)
  if (!isListOfVectors(vector)) return vector as readonly number[]
  return vector.map((one, i) => {
    const part = bytesAt(one)
    return part ? floatsAt(part, `${field}[${i}]`) : (arrayAt(one, `${field}[${i}]`) as readonly number[])
  })
}

/** Whether a column has lists of vectors: those have no column of one length, so such a batch is read point by point. */
function hasMultivectors(vectors: unknown): boolean {
  const columns = isObject(vectors) ? Object.values(vectors) : [vectors]
  return columns.some((rows) => Array.isArray(rows) && rows.some((row) => Array.isArray(row) && isListOfVectors(row)))
}

export function columnsAt(given: unknown, place: Place | null, reading: Reading): ColumnarPoints | Point[] {
  const { ids: ofPoints, vectors, payloads } = given as WireObject
  const inBatch = (key: string): Place => ({ parent: place, key })
  const ids = idsIn(ofPoints, inBatch('ids'), reading)
  checkCount(ids.length, inBatch('ids'), reading)
  if (!isPresent(vectors)) throw reading.mistyped(inBatch('vectors'), 'a value', null)
  const texts = isPresent(payloads) ? arrayIn(payloads, inBatch('payloads'), reading) : null
  if (!haveCount(ids.length, { vectors, texts }, place, reading)) return []
  const columns = hasMultivectors(vectors) ? null : vectorColumnsIn(vectors, ids.length, inBatch('vectors'), reading)
  const read = texts?.map((payload, key) =>
    isPresent(payload) ? payloadIn(payload, { parent: inBatch('payloads'), key }, reading) : null,
  )
  if (columns === null) return pointsOfBatch(ids, vectors, read, inBatch('vectors'), reading)
  return read === undefined ? { ids, vectors: columns } : { ids, vectors: columns, payloads: read }
}

/** Whether each column has one value for each id; the numbers of a bin are counted where the dimension is known. */
function haveCount(
  count: number,
  { vectors, texts }: { vectors: unknown; texts: readonly unknown[] | null },
  place: Place | null,
  reading: Reading,
): boolean {
  const columns = isObject(vectors) ? Object.values(vectors) : [vectors]
  const odd = columns.find((column) => Array.isArray(column) && column.length !== count) as unknown[] | undefined
  const violates = (what: string, { length }: readonly unknown[]) => {
    const rule = `number of ids and ${what} must be equal (${count} != ${length})`
    reading.violates({ place, expected: `${count} ${what}, one for each id`, rule, seen: length })
  }
  const isOddText = texts !== null && texts.length !== count
  if (odd) violates('vectors', odd)
  if (isOddText) violates('payloads', texts)
  return !odd && !isOddText
}

function pointsOfBatch(
  ids: readonly PointId[] | BigUint64Array,
  vectors: unknown,
  payloads: readonly (Payload | null)[] | undefined,
  place: Place,
  reading: Reading,
): Point[] {
  const rowsOf = (column: unknown, at: Place) => arrayIn(column, at, reading)
  const named = isObject(vectors)
    ? Object.entries(vectors).map(
        ([key, column]) => [key, rowsOf(column, { parent: place, key, isName: true })] as const,
      )
    : null
  const unnamed = named ? null : rowsOf(vectors, place)
  return Array.from(ids as ArrayLike<PointId>, (id, row): Point => {
    const vector = named ? Object.fromEntries(named.map(([name, rows]) => [name, rows[row]])) : unnamed?.[row]
    const point = { id, vector: vectorsIn(vector, { parent: place, key: row }, reading) }
    const payload = payloads?.[row]
    return payload ? { ...point, payload } : point
  })
}

/** null if dense vectors of one column differ in length: then the engine tells of which point. */
function vectorColumnsIn(
  value: unknown,
  count: number,
  place: Place,
  reading: Reading,
): ColumnarPoints['vectors'] | null {
  if (!isObject(value)) return vectorColumnIn(value, count, place, reading)
  const named: Record<string, ColumnarVectors> = {}
  for (const [key, column] of Object.entries(value)) {
    const at = { parent: place, key, isName: true }
    const read =
      Array.isArray(column) && isObject(column[0])
        ? column.map((one, row) => vectorIn(one, { parent: at, key: row }, reading) as SparseVector)
        : vectorColumnIn(column, count, at, reading)
    if (read === null) return null
    Object.defineProperty(named, key, { value: read, enumerable: true })
  }
  return named
}

/** A column: one bin of all vectors end to end, or an array of vectors. */
function vectorColumnIn(value: unknown, count: number, place: Place, reading: Reading): Float32Array | null {
  if (bytesAt(value)) return otherVector(value, place, reading) as Float32Array
  const rows = arrayIn(value, place, reading).map(
    (row, key) => vectorIn(row, { parent: place, key }, reading) as Vector,
  )
  const dim = rows[0]?.length ?? 0
  if (rows.some(({ length }) => length !== dim)) return null
  const column = new Float32Array(count * dim)
  for (const [row, vector] of rows.entries()) column.set(vector, row * dim)
  return column
}

function arrayIn(value: unknown, place: Place, reading: Reading): readonly unknown[] {
  if (!Array.isArray(value)) throw reading.mistyped(place, 'an array', value ?? null)
  return value
}

const idsIn = leaf((value, field) => idsAt(value, field())) as (
  ...given: Parameters<Read>
) => readonly PointId[] | BigUint64Array

export function checkCount(count: number, place: Place | null, reading: Reading): void {
  if (count > LIMITS.batchPoints) throw reading.mistyped(place, `at most ${LIMITS.batchPoints} points`, count)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
