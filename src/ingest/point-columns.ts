import { inSinglePrecision } from '../core/column-rows.js'
import type { ColumnarPoints, ColumnarVectors } from '../core/database.js'
import { invalid, noSuchVector, UnfitVector, type VicinalError, wrongDimension } from '../core/errors.js'
import { checkKnown, type KnownKeys } from '../core/known-keys.js'
import { KNOWN_COLUMNS, KNOWN_POINT } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import {
  encodeId,
  ID_KIND_NUMBER,
  ID_WORDS,
  isNumbers,
  type MultiVector,
  type Point,
  type PointColumns,
  type PointVector,
  UNNAMED_VECTOR,
  type Vector,
  type VectorColumn,
} from '../core/point.js'
import { isSparse, type ResolvedVector, type Schema } from '../core/schema.js'
import { isSparseVector } from '../core/sparse.js'
import { UnreadPoint } from '../core/unread-point.js'
import { eachRow, type Flaws } from './flaws.js'
import { payloadColumn } from './payload-text.js'
import { SparseColumnBuilder } from './sparse-column.js'
import { vectorJson } from './vector-text.js'

/**
 * Converts points to columns. It checks shapes; `cleanVectors` checks the numbers, and `keepLast` handles repeated ids.
 */
export function columnsOfPoints(
  points: readonly Partial<Point<unknown>>[],
  schema: Schema,
  { vectorsRequired = false, known = KNOWN_POINT, flaws = null }: Shape = {},
): PointColumns {
  checkBatchSize(points.length)
  const ids = new Uint32Array(points.length * ID_WORDS)
  eachRow(points.length, flaws, (i) => {
    const point = points[i]
    if (point instanceof UnreadPoint) throw point.error
    if (point === null || typeof point !== 'object') throw invalid(`points[${i}]`, 'expected a point', point)
    checkKnown(point, known, `points[${i}].`)
    encodeId(point.id, ids, i * ID_WORDS, `points[${i}].id`, schema.textIds)
  })
  const builders = schema.map((vector) =>
    isSparse(vector) ? new SparseColumnBuilder(vector.name) : new VectorColumnBuilder(vector, points.length),
  )
  eachRow(points.length, flaws, (i) => {
    const vector = points[i]?.vector as PointVector | null | undefined
    const field = `points[${i}].vector`
    if (vector !== undefined && vector !== null) addVectors(vector, builders, i, field, flaws)
    else if (vectorsRequired) bare(flaws, i, invalid(field, 'expected a vector', vector ?? null))
  })
  const payloads = payloadColumn(
    points.map((point) => point?.payload as never),
    (row) => `points[${row}].payload`,
    schema.textIds ? points.map((point) => point?.id) : null,
    flaws,
  )
  const vectors = builders.filter((builder) => builder.count > 0).map((builder) => builder.finish(points.length))
  return { count: points.length, ids, vectors, payloads }
}

/** How points are read. */
interface Shape {
  vectorsRequired?: boolean
  known?: KnownKeys
  /** Takes the rows that are no points, which are left out; null: the first one is thrown. */
  flaws?: Flaws | null
}

function bare(flaws: Flaws | null, row: number, error: VicinalError): void {
  if (flaws === null) throw error
  flaws.bare.set(row, error)
}

function addVectors(
  vector: PointVector,
  builders: readonly ColumnBuilder[],
  row: number,
  field: string,
  flaws: Flaws | null,
): void {
  if (isVector(vector)) {
    const unnamed = builders.find((builder) => builder.name === UNNAMED_VECTOR)
    if (!unnamed) throw noSuchVector(field, '(unnamed)')
    addVector(unnamed, vector, row, field, flaws)
    return
  }
  if (typeof vector !== 'object' || ArrayBuffer.isView(vector))
    throw invalid(field, 'expected a vector, or a record of vectors by name', vector)
  for (const [name, value] of Object.entries(vector)) {
    const builder = builders.find((candidate) => candidate.name === name)
    if (!builder) throw noSuchVector(field, name || '(unnamed)')
    try {
      addVector(builder, value, row, `${field}.${name || '(unnamed)'}`, flaws)
    } catch (error) {
      for (const other of builders) other.undo(row)
      throw error
    }
  }
}

/** With `flaws` a vector that its column cannot hold is left out and noted, and its point may stay. */
export function addVector(
  builder: ColumnBuilder,
  vector: unknown,
  row: number,
  field: string,
  flaws: Flaws | null,
): void {
  try {
    builder.add(vector, row, field)
  } catch (error) {
    if (flaws === null || !(error instanceof UnfitVector)) throw error
    flaws.leftOut.push({ row, name: builder.name, vector: vectorJson(vector), error })
  }
}

/** Whether the value is a vector, or the vectors of a multivector. */
export function isVector(value: unknown): value is Vector | MultiVector {
  return isNumbers(value)
}

/** The vectors of a multivector, each checked to be a vector. A single vector is a multivector of one. */
export function multivectorOf(value: Vector | MultiVector, size: number, field: string): MultiVector {
  if (!Array.isArray(value) || typeof value[0] === 'number') return [value as Vector]
  if (value.length === 0) throw invalid(field, 'expected at least one vector', value)
  if (value.length * size > LIMITS.multivectorFloats) {
    throw invalid(field, `expected at most ${LIMITS.multivectorFloats} numbers in all its vectors`, value.length * size)
  }
  const wrong = value.findIndex((vector) => !isVector(vector))
  if (wrong >= 0) throw invalid(`${field}[${wrong}]`, `expected a vector of ${size} numbers`, value[wrong])
  return value as MultiVector
}

type ColumnBuilder = VectorColumnBuilder | SparseColumnBuilder

/** Builds the column of one named vector, from the first point that has it. */
class VectorColumnBuilder {
  readonly name: string
  readonly #dim: number
  /** Floats of all points' vectors, as far as that is known before they are read. */
  readonly #expected: number
  #data = new Float32Array(0)
  #length = 0
  readonly #rows: number[] = []
  /** null unless it is a multivector. */
  readonly #counts: number[] | null

  constructor(vector: ResolvedVector, points: number) {
    this.name = vector.name
    this.#dim = vector.size
    this.#expected = vector.multivectorConfig ? 0 : points * vector.size
    this.#counts = vector.multivectorConfig ? [] : null
  }

  get count(): number {
    return this.#rows.length
  }

  add(vector: unknown, row: number, field: string): void {
    if (isSparseVector(vector)) throw invalid(field, 'Not existing sparse vector name: expected a dense vector')
    if (!isVector(vector)) throw invalid(field, `expected a vector of ${this.#dim} numbers`, vector)
    const before = this.#length
    try {
      if (this.#counts) {
        const vectors = multivectorOf(vector, this.#dim, field)
        for (let i = 0; i < vectors.length; i++) this.#append(vectors[i] as Vector, `${field}[${i}]`)
        this.#counts.push(vectors.length)
      } else {
        this.#append(vector as Vector, field)
      }
    } catch (error) {
      this.#length = before
      throw error
    }
    this.#rows.push(row)
  }

  /** Takes the vector of a row back, if it is the last one. */
  undo(row: number): void {
    if (this.#rows.at(-1) !== row) return
    this.#rows.pop()
    this.#length -= this.#dim * (this.#counts?.pop() ?? 1)
  }

  #append(vector: Vector, field: string): void {
    if (vector.length !== this.#dim) {
      throw wrongDimension(field, this.#dim, vector.length)
    }
    const at = this.#length
    this.#reserve(at + this.#dim)
    if (vector instanceof Float32Array) this.#data.set(vector, at)
    else copyNumbers(vector, this.#data, at, field)
    this.#length += this.#dim
  }

  finish(count: number): VectorColumn {
    const data = this.#data.subarray(0, this.#length)
    const rows = this.#rows.length === count ? null : Uint32Array.from(this.#rows)
    return { name: this.name, data, rows, ...(this.#counts ? { counts: Uint32Array.from(this.#counts) } : {}) }
  }

  #reserve(length: number): void {
    if (length <= this.#data.length) return
    // Growing copies the data, so most columns get all their room at once. Points may lack the vector.
    const first = Math.min(this.#expected, FIRST_FLOATS)
    const grown = new Float32Array(Math.max(length, first, this.#data.length * 2))
    grown.set(this.#data)
    this.#data = grown
  }
}

/** 4 MiB: room that a column may take before it is known how many points have its vector. */
const FIRST_FLOATS = 1024 * 1024

export function copyNumbers(from: ArrayLike<unknown>, into: Float32Array, at: number, field: string): void {
  for (let i = 0; i < from.length; i++) {
    const value = from[i]
    if (typeof value !== 'number') throw invalid(`${field}[${i}]`, 'expected a number', value)
    into[at + i] = value
  }
}

/** Columnar points as they came, checked; vector data is copied, since cleaning changes it in place. */
export function columnsOfColumnar(given: ColumnarPoints, schema: Schema, flaws: Flaws | null = null): PointColumns {
  checkKnown(given, KNOWN_COLUMNS)
  const points = inSinglePrecision(given)
  const count = points.ids?.length
  if (typeof count !== 'number') throw invalid('ids', 'expected an array of ids', points.ids)
  checkBatchSize(count)
  const ids = columnarIds(points.ids, schema, flaws)
  const named: Readonly<Record<string, ColumnarVectors>> =
    points.vectors instanceof Float32Array ? { [UNNAMED_VECTOR]: points.vectors } : points.vectors
  if (named === null || typeof named !== 'object' || Array.isArray(named) || ArrayBuffer.isView(named))
    throw invalid('vectors', 'expected a Float32Array, or a record of them by name', named)
  const vectors = Object.entries(named).map(([name, data]): VectorColumn => {
    const vector = schema.find((candidate) => candidate.name === name)
    if (!vector) throw noSuchVector('vectors', name || '(unnamed)')
    const field = name === UNNAMED_VECTOR ? 'vectors' : `vectors.${name}`
    if (isSparse(vector)) return sparseColumn(name, data, count, field, flaws)
    if (!(data instanceof Float32Array)) throw invalid(field, 'expected a Float32Array', data)
    // In columns every point has exactly one vector.
    const counts = vector.multivectorConfig ? { counts: new Uint32Array(count).fill(1) } : {}
    if (data.length !== count * vector.size) {
      throw invalid(field, `Vector dimension error: expected ${count} × ${vector.size} numbers`, data.length)
    }
    // Rounded numbers are a copy already.
    const isGiven = data === given.vectors || data === (given.vectors as typeof named)[name]
    return { name, data: isGiven ? data.slice() : data, rows: null, ...counts }
  })
  const { payloads } = points
  if (payloads !== undefined && !(Array.isArray(payloads) && payloads.length === count)) {
    throw invalid(
      'payloads',
      `expected ${count} payloads, one for each id`,
      (payloads as { length: number } | null)?.length ?? null,
    )
  }
  const names = schema.textIds ? (points.ids as readonly unknown[]) : null
  const ofPoints = payloads ?? (names ? new Array<null>(count).fill(null) : null)
  const texts = ofPoints ? payloadColumn(ofPoints, (row) => `payloads[${row}]`, names, flaws) : null
  return { count, ids, vectors, payloads: texts }
}

function sparseColumn(name: string, vectors: unknown, count: number, field: string, flaws: Flaws | null): VectorColumn {
  if (!Array.isArray(vectors)) throw invalid(field, 'expected an array of sparse vectors', vectors)
  if (vectors.length !== count) throw invalid(field, `expected ${count} vectors, one for each id`, vectors.length)
  const builder = new SparseColumnBuilder(name)
  eachRow(count, flaws, (row) => addVector(builder, vectors[row], row, `${field}[${row}]`, flaws))
  return builder.finish(count)
}

function columnarIds(ids: ColumnarPoints['ids'], { textIds }: Schema, flaws: Flaws | null): Uint32Array {
  const words = new Uint32Array(ids.length * ID_WORDS)
  if (ids instanceof BigUint64Array && !textIds) {
    const halves = new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2)
    for (let i = 0; i < ids.length; i++) {
      words[i * ID_WORDS] = ID_KIND_NUMBER
      words[i * ID_WORDS + 1] = halves[i * 2] as number
      words[i * ID_WORDS + 2] = halves[i * 2 + 1] as number
    }
    return words
  }
  eachRow(ids.length, flaws, (i) => encodeId(ids[i], words, i * ID_WORDS, `ids[${i}]`, textIds))
  return words
}

export function checkBatchSize(count: number): void {
  if (count > LIMITS.batchPoints) {
    throw invalid('points', `expected at most ${LIMITS.batchPoints} points in one write`, count)
  }
}
