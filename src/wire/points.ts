/** Bodies that carry points: upsert in both forms, and vector updates. */
import type { Static } from 'typebox'
import type { ColumnarPoints, ColumnarVectors } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { KNOWN_BM25 } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import type {
  Bm25Options,
  MultiVector,
  NamedVector,
  Payload,
  Point,
  PointId,
  PointVector,
  SparseVector,
  Vector,
} from '../core/point.js'
import { PointInsert, VectorUpdates } from '../core/point-changes.js'
import { read } from '../core/vocabulary/reader.js'
import {
  arrayAt,
  bytesAt,
  floatsAt,
  idAt,
  idsAt,
  isObject,
  isPresent,
  knownShape,
  mistyped,
  objectAt,
  textAt,
  unsupported,
  violated,
  type WireObject,
} from './fields.js'
import { parseJson } from './json.js'
import { brokenRules, isListOfVectors } from './vector-shape.js'

/** Inputs that Qdrant embeds, besides texts. */
export const INFERRED = ['image', 'object'] as const

type Upsert = Static<typeof PointInsert>

/** `{ points: [...] }` or `{ batch: { ids, vectors, payloads } }`, and which of the points are written. */
export function upsertOf(body: WireObject): ReturnType<typeof upsertIn> {
  return upsertIn(read(PointInsert, body, 'wire', 'body'))
}

/** `at` is where the body lies in a batch of operations. */
export function upsertIn({ points, batch, ...condition }: Upsert, at = '') {
  if (batch !== undefined) return { points: columnsOf(batch as WireObject, `${at}batch`), ...condition }
  if (points === undefined) throw mistyped(`${at}points`, 'points or batch')
  return { points: pointsAt(points, `${at}points`), ...condition }
}

function pointsAt(points: readonly unknown[], field: string): Point[] {
  checkCount(points.length, field)
  return points.map((value, i): Point => {
    const point = objectAt(value, `${field}[${i}]`)
    const id = idAt(point.id, `${field}[${i}].id`)
    const vector = pointVectorAt(vectorsOf(point), `${field}[${i}].vector`)
    return isPresent(point.payload)
      ? { id, vector, payload: payloadAt(point.payload, `${field}[${i}].payload`) }
      : { id, vector }
  })
}

export function vectorUpdatesOf(body: WireObject): ReturnType<typeof vectorUpdatesIn> {
  return vectorUpdatesIn(read(VectorUpdates, body, 'wire', 'body'))
}

export function vectorUpdatesIn({ points, ...condition }: Static<typeof VectorUpdates>, at = '') {
  checkCount(points.length, `${at}points`)
  const updates = points.map((value, i): { id: PointId; vector: PointVector } => {
    const point = objectAt(value, `${at}points[${i}]`)
    return {
      id: idAt(point.id, `${at}points[${i}].id`),
      vector: someVectors(vectorsOf(point), `${at}points[${i}].vector`),
    }
  })
  return { points: updates, ...condition }
}

/** As in Qdrant, `vectors` is another name. */
function vectorsOf({ vector, vectors }: WireObject): unknown {
  return isPresent(vector) ? vector : vectors
}

function someVectors(value: unknown, field: string): PointVector {
  const vector = pointVectorAt(value, field)
  const isEmpty = isObject(vector) ? Object.keys(vector).length === 0 : (vector as Vector).length === 0
  if (isEmpty) throw violated(field, field, 'must specify vectors to update for point')
  return vector
}

/** A payload: an object, or in MessagePack also a bin that holds its JSON text. */
export function payloadAt(value: unknown, field: string): Payload {
  const text = bytesAt(value)
  return objectAt(text ? parseJson(asBuffer(text), field) : value, field) as Payload
}

function pointVectorAt(value: unknown, field: string): PointVector {
  if (!isPresent(value)) throw invalid(field, 'expected a vector, or an object of vectors by name', value ?? null)
  if (!isObject(value)) {
    const vector = vectorAt(value, field)
    checkShape(vector, field, field)
    return vector
  }
  // A text to embed has known keys, so it is no record of names.
  if ('text' in value && 'model' in value) {
    textAt(value.text, `${field}.text`)
    throw unsupported(`${field}.text (of an unnamed vector)`)
  }
  const named: Record<string, NamedVector> = {}
  for (const [name, vector] of Object.entries(value)) {
    const value = namedVectorAt(vector, `${field}.${name}`)
    checkShape(value, `${field}.${name}`, `${field}.?`)
    Object.defineProperty(named, name, { value, enumerable: true })
  }
  return named
}

function checkShape(vector: NamedVector, field: string, path: string): void {
  const [broken] = brokenRules(vector)
  if (broken !== undefined) throw violated(field, `${path}.${broken.part}`, broken.rule)
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
      options: optionsAt(options, field),
    }
  }
  const inferred = INFERRED.find((name) => Object.hasOwn(value, name))
  if (inferred) throw unsupported(`${field}.${inferred}`)
  const expected = 'expected a vector, a sparse vector { indices, values } or a document { text, model }'
  throw invalid(field, expected, Object.keys(value)[0] ?? {})
}

function optionsAt(options: unknown, field: string): Bm25Options | null {
  if (!isPresent(options)) return null
  return knownShape(objectAt(options, `${field}.options`), KNOWN_BM25) as Bm25Options
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

function pointsOfBatch(
  { vectors, payloads }: WireObject,
  ids: readonly PointId[] | BigUint64Array,
  field: string,
): Point[] {
  const columnAt = (column: unknown, at: string) => {
    const rows = arrayAt(column, at)
    if (rows.length !== ids.length) throw invalid(at, `expected ${ids.length} vectors, one for each id`, rows.length)
    return rows
  }
  const named = isObject(vectors)
    ? Object.entries(vectors).map(([name, column]) => [name, columnAt(column, `${field}.vectors.${name}`)] as const)
    : null
  const unnamed = named ? null : columnAt(vectors, `${field}.vectors`)
  const texts = isPresent(payloads) ? columnAt(payloads, `${field}.payloads`) : []
  return Array.from(ids as ArrayLike<PointId>, (id, row): Point => {
    const vector = named ? Object.fromEntries(named.map(([name, rows]) => [name, rows[row]])) : unnamed?.[row]
    const point = { id, vector: pointVectorAt(vector, `${field}.vectors[${row}]`) }
    return isPresent(texts[row]) ? { ...point, payload: payloadAt(texts[row], `${field}.payloads[${row}]`) } : point
  })
}

function columnsOf(batch: WireObject, field: string): ColumnarPoints | Point[] {
  const ids = idsAt(batch.ids, `${field}.ids`)
  checkCount(ids.length, `${field}.ids`)
  if (hasMultivectors(batch.vectors)) return pointsOfBatch(batch, ids, field)
  const columns: ColumnarPoints = { ids, vectors: vectorColumnsAt(batch.vectors, ids.length, `${field}.vectors`) }
  if (!isPresent(batch.payloads)) return columns
  const payloads = arrayAt(batch.payloads, `${field}.payloads`)
  if (payloads.length !== ids.length) {
    throw invalid(`${field}.payloads`, `expected ${ids.length} payloads, one for each id`, payloads.length)
  }
  return {
    ...columns,
    payloads: payloads.map((payload, i) => (isPresent(payload) ? payloadAt(payload, `${field}.payloads[${i}]`) : null)),
  }
}

function vectorColumnsAt(value: unknown, count: number, field: string): ColumnarPoints['vectors'] {
  if (!isObject(value)) return vectorColumnAt(value, count, field)
  const named: Record<string, ColumnarVectors> = {}
  for (const [name, column] of Object.entries(value)) {
    const place = `${field}.${name}`
    const read =
      Array.isArray(column) && isObject(column[0])
        ? column.map((one, row) => namedVectorAt(one, `${place}[${row}]`) as SparseVector)
        : vectorColumnAt(column, count, place)
    Object.defineProperty(named, name, { value: read, enumerable: true })
  }
  return named
}

/** A column: one bin of all vectors end to end, or an array of vectors of one length. */
function vectorColumnAt(value: unknown, count: number, field: string): Float32Array {
  const bin = bytesAt(value)
  if (bin) return floatsAt(bin, field)
  const rows = arrayAt(value, field)
  if (rows.length !== count) throw invalid(field, `expected ${count} vectors, one for each id`, rows.length)
  const first = rows.length > 0 ? vectorAt(rows[0], `${field}[0]`).length : 0
  const column = new Float32Array(count * first)
  for (let row = 0; row < count; row++)
    copyRow(vectorAt(rows[row], `${field}[${row}]`) as Vector, column, row, first, field)
  return column
}

function copyRow(vector: Vector, column: Float32Array, row: number, dim: number, field: string): void {
  if (vector.length !== dim) {
    throw invalid(`${field}[${row}]`, `Vector dimension error: expected dim: ${dim}`, vector.length)
  }
  for (let i = 0; i < dim; i++) {
    const value: unknown = vector[i]
    if (typeof value !== 'number') throw invalid(`${field}[${row}][${i}]`, 'expected a number', value ?? null)
    column[row * dim + i] = value
  }
}

function checkCount(count: number, field: string): void {
  if (count > LIMITS.batchPoints) throw invalid(field, `expected at most ${LIMITS.batchPoints} points`, count)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
