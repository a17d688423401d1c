import { inSinglePrecision } from '../core/column-rows.js'
import type { ColumnarPoints, ColumnarVectors } from '../core/database.js'
import { invalid, noSuchVector } from '../core/errors.js'
import { checkKnown, type KnownKeys } from '../core/known-keys.js'
import { KNOWN_COLUMNS, KNOWN_POINT } from '../core/known-points.js'
import { LIMITS } from '../core/limits.js'
import {
  encodeId,
  ID_KIND_NUMBER,
  ID_WORDS,
  idKey,
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
import { payloadColumn } from './payload-text.js'
import { SparseColumnBuilder, sparseAt } from './sparse-column.js'

/**
 * Converts points to columns. It checks shapes; `cleanVectors` checks the numbers, and `keepLast` handles repeated ids.
 */
export function columnsOfPoints(
  points: readonly Partial<Point<unknown>>[],
  schema: Schema,
  { vectorsRequired = false, known = KNOWN_POINT }: { vectorsRequired?: boolean; known?: KnownKeys } = {},
): PointColumns {
  checkBatchSize(points.length)
  const ids = new Uint32Array(points.length * ID_WORDS)
  for (let i = 0; i < points.length; i++) {
    const point = points[i]
    if (point === null || typeof point !== 'object') throw invalid(`points[${i}]`, 'expected a point', point)
    checkKnown(point, known, `points[${i}].`)
    encodeId(point.id, ids, i * ID_WORDS, `points[${i}].id`, schema.textIds)
  }
  const builders = schema.map((vector) =>
    isSparse(vector) ? new SparseColumnBuilder(vector.name) : new VectorColumnBuilder(vector, points.length),
  )
  for (let i = 0; i < points.length; i++) {
    const vector = points[i]?.vector as PointVector | null | undefined
    const field = `points[${i}].vector`
    if (vector === undefined || vector === null) {
      if (vectorsRequired) throw invalid(field, 'expected a vector', vector)
      continue
    }
    addVectors(vector, builders, i, field)
  }
  const payloads = payloadColumn(
    points.map((point) => point.payload as never),
    (row) => `points[${row}].payload`,
    schema.textIds ? points.map(({ id }) => id) : null,
  )
  const vectors = builders.filter((builder) => builder.count > 0).map((builder) => builder.finish(points.length))
  return { count: points.length, ids, vectors, payloads }
}

function addVectors(vector: PointVector, builders: readonly ColumnBuilder[], row: number, field: string): void {
  if (isVector(vector)) {
    const unnamed = builders.find((builder) => builder.name === UNNAMED_VECTOR)
    if (!unnamed) throw noSuchVector(field, '(unnamed)')
    unnamed.add(vector, row, field)
    return
  }
  if (typeof vector !== 'object' || ArrayBuffer.isView(vector))
    throw invalid(field, 'expected a vector, or a record of vectors by name', vector)
  for (const [name, value] of Object.entries(vector)) {
    const builder = builders.find((candidate) => candidate.name === name)
    if (!builder) throw noSuchVector(field, name || '(unnamed)')
    builder.add(value, row, `${field}.${name || '(unnamed)'}`)
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
    if (this.#counts) {
      const vectors = multivectorOf(vector, this.#dim, field)
      for (let i = 0; i < vectors.length; i++) this.#append(vectors[i] as Vector, `${field}[${i}]`)
      this.#counts.push(vectors.length)
    } else {
      this.#append(vector as Vector, field)
    }
    this.#rows.push(row)
  }

  #append(vector: Vector, field: string): void {
    if (vector.length !== this.#dim) {
      throw invalid(field, `Vector dimension error: expected dim: ${this.#dim}`, vector.length)
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
    // Growing copies what is there, so most columns get all their room at once. Points may lack the vector.
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
export function columnsOfColumnar(given: ColumnarPoints, schema: Schema): PointColumns {
  checkKnown(given, KNOWN_COLUMNS)
  const points = inSinglePrecision(given)
  const count = points.ids?.length
  if (typeof count !== 'number') throw invalid('ids', 'expected an array of ids', points.ids)
  checkBatchSize(count)
  const ids = columnarIds(points.ids, schema)
  const named: Readonly<Record<string, ColumnarVectors>> =
    points.vectors instanceof Float32Array ? { [UNNAMED_VECTOR]: points.vectors } : points.vectors
  if (named === null || typeof named !== 'object' || Array.isArray(named) || ArrayBuffer.isView(named))
    throw invalid('vectors', 'expected a Float32Array, or a record of them by name', named)
  const vectors = Object.entries(named).map(([name, data]): VectorColumn => {
    const vector = schema.find((candidate) => candidate.name === name)
    if (!vector) throw noSuchVector('vectors', name || '(unnamed)')
    const field = name === UNNAMED_VECTOR ? 'vectors' : `vectors.${name}`
    if (isSparse(vector)) return sparseColumn(name, data, count, field)
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
  const texts = ofPoints ? payloadColumn(ofPoints, (row) => `payloads[${row}]`, names) : null
  return { count, ids, vectors, payloads: texts }
}

function sparseColumn(name: string, vectors: unknown, count: number, field: string): VectorColumn {
  if (!Array.isArray(vectors)) throw invalid(field, 'expected an array of sparse vectors', vectors)
  if (vectors.length !== count) throw invalid(field, `expected ${count} vectors, one for each id`, vectors.length)
  const builder = new SparseColumnBuilder(name)
  for (let row = 0; row < count; row++) builder.add(vectors[row], row, `${field}[${row}]`)
  return builder.finish(count)
}

function columnarIds(ids: ColumnarPoints['ids'], { textIds }: Schema): Uint32Array {
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
  for (let i = 0; i < ids.length; i++) encodeId(ids[i], words, i * ID_WORDS, `ids[${i}]`, textIds)
  return words
}

export function checkBatchSize(count: number): void {
  if (count > LIMITS.batchPoints) {
    throw invalid('points', `expected at most ${LIMITS.batchPoints} points in one write`, count)
  }
}

/** Drops every point whose id occurs again later in the batch: the last one wins, as in Qdrant. */
export function keepLast(columns: PointColumns): PointColumns {
  if (ascends(columns.ids, columns.count)) return columns
  const kept = lastPositions(columns.ids, columns.count)
  return kept.length === columns.count ? columns : takeRows(columns, kept)
}

/**
 * Joins points of the same id into one row, as if they were written one after the other. Vectors of different names all
 * stay; for one name the last wins. Payloads are not joined.
 */
export function mergeRepeated(columns: PointColumns): PointColumns {
  const { ids, count } = columns
  if (ascends(ids, count)) return columns
  const kept = lastPositions(ids, count)
  if (kept.length === count) return columns
  const rowOf = new Map(Array.from(kept, (position, row) => [idKey(ids, position * ID_WORDS), row]))
  return regroup(
    columns,
    kept,
    Int32Array.from({ length: count }, (_, i) => rowOf.get(idKey(ids, i * ID_WORDS)) as number),
  )
}

function lastPositions(ids: Uint32Array, count: number): Uint32Array {
  const last = new Map<string, number>()
  for (let i = 0; i < count; i++) last.set(idKey(ids, i * ID_WORDS), i)
  return Uint32Array.from(last.values()).sort()
}

/** Whether the ids are ascending numbers, as in most batches. Such ids are distinct. */
function ascends(ids: Uint32Array, count: number): boolean {
  let before = -1
  for (let at = 0; at < count * ID_WORDS; at += ID_WORDS) {
    const number = (ids[at + 2] as number) * 4_294_967_296 + (ids[at + 1] as number)
    if (ids[at] !== ID_KIND_NUMBER || number <= before || number > Number.MAX_SAFE_INTEGER) return false
    before = number
  }
  return true
}

/** The rows at ascending positions `kept`. */
export function takeRows(columns: PointColumns, kept: Uint32Array): PointColumns {
  const newRows = new Int32Array(columns.count).fill(DROPPED)
  for (let row = 0; row < kept.length; row++) newRows[kept[row] as number] = row
  return regroup(columns, kept, newRows)
}

/** Marks a dropped row in `newRows`. */
const DROPPED = -1

/**
 * Moves row `i` to `newRows[i]`. If several rows become one, each vector column keeps the last present vector. Row `r`
 * of the result takes id and payload of row `kept[r]`.
 */
function regroup(columns: PointColumns, kept: Uint32Array, newRows: Int32Array): PointColumns {
  const ids = new Uint32Array(kept.length * ID_WORDS)
  for (let row = 0; row < kept.length; row++) {
    const from = (kept[row] as number) * ID_WORDS
    ids.set(columns.ids.subarray(from, from + ID_WORDS), row * ID_WORDS)
  }
  const vectors = columns.vectors.flatMap((column) => {
    const positions = lastVectors(column, newRows, kept.length)
    if (positions.every((position) => position === DROPPED)) return []
    return [column.sparse ? takeSparse(column, positions) : takeDense(column, positions, columns.count)]
  })
  return { count: kept.length, ids, vectors, payloads: takeTexts(columns.payloads, kept) }
}

/** For each new row the position of its vector in the column; `DROPPED` if it has none. */
function lastVectors(column: VectorColumn, newRows: Int32Array, newCount: number): Int32Array {
  const positions = new Int32Array(newCount).fill(DROPPED)
  const given = column.rows?.length ?? newRows.length
  for (let position = 0; position < given; position++) {
    const row = newRows[column.rows ? (column.rows[position] as number) : position] as number
    if (row !== DROPPED) positions[row] = position
  }
  return positions
}

function takeDense(column: VectorColumn, positions: Int32Array, count: number): VectorColumn {
  const given = column.rows?.length ?? count
  const counts = column.counts ?? new Uint32Array(given).fill(1)
  const dim = column.data.length / counts.reduce((sum, each) => sum + each, 0)
  const starts = new Float64Array(given + 1)
  for (let i = 0; i < given; i++) starts[i + 1] = (starts[i] as number) + (counts[i] as number) * dim
  const data = new Float32Array(column.data.length)
  const rows: number[] = []
  const keptCounts: number[] = []
  let length = 0
  for (let row = 0; row < positions.length; row++) {
    const position = positions[row] as number
    if (position === DROPPED) continue
    const floats = column.data.subarray(starts[position], starts[position + 1])
    data.set(floats, length)
    length += floats.length
    rows.push(row)
    keptCounts.push(counts[position] as number)
  }
  return {
    name: column.name,
    data: data.subarray(0, length),
    rows: rows.length === positions.length ? null : Uint32Array.from(rows),
    ...(column.counts ? { counts: Uint32Array.from(keptCounts) } : {}),
  }
}

function takeSparse(column: VectorColumn, positions: Int32Array): VectorColumn {
  const builder = new SparseColumnBuilder(column.name)
  for (let row = 0; row < positions.length; row++) {
    const position = positions[row] as number
    if (position !== DROPPED) builder.append(sparseAt(column, position), row)
  }
  return builder.finish(positions.length)
}

function takeTexts(texts: PointColumns['payloads'], kept: Uint32Array): PointColumns['payloads'] {
  if (!texts) return null
  const offsets = new Uint32Array(kept.length + 1)
  const pieces = Array.from(kept, (row, i) => {
    const piece = texts.bytes.subarray(texts.offsets[row], texts.offsets[row + 1])
    offsets[i + 1] = (offsets[i] as number) + piece.length
    return piece
  })
  return { bytes: Buffer.concat(pieces), offsets }
}
