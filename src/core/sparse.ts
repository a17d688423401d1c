import { describeValue, invalid, UnfitVector } from './errors.js'
import { checkKnown, keysOf } from './known-keys.js'
import { LIMITS } from './limits.js'
import type { Document, SparseVector, StoredSparseVector } from './point.js'

export const MAX_SPARSE_INDEX = 2 ** 32 - 1
const KNOWN = keysOf<SparseVector>({ indices: true, values: true })

export function isDocument(value: unknown): value is Document {
  return isRecord(value) && ('text' in value || 'model' in value)
}

export function isSparseVector(value: unknown): value is SparseVector {
  return isRecord(value) && ('indices' in value || 'values' in value)
}

function isRecord(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/** Checks a sparse vector and sorts its indices. The caller's arrays are not kept. */
export function sparseVectorOf(value: unknown, field: string): StoredSparseVector {
  if (!isSparseVector(value)) throw invalid(field, 'expected a sparse vector { indices, values }', value)
  checkKnown(value, KNOWN, `${field}.`)
  const given = numbersAt(value.indices, `${field}.indices`)
  const numbers = numbersAt(value.values, `${field}.values`)
  if (given.length !== numbers.length) {
    throw invalid(`${field}.values`, `must be the same length as indices: expected ${given.length}`, numbers.length)
  }
  if (given.length > LIMITS.sparseEntries) {
    throw invalid(`${field}.indices`, `expected at most ${LIMITS.sparseEntries} components`, given.length)
  }
  const indices = new Uint32Array(given.length)
  const values = new Float32Array(given.length)
  let ascends = true
  for (let i = 0; i < given.length; i++) {
    indices[i] = indexAt(given[i], `${field}.indices[${i}]`)
    values[i] = valueAt(numbers[i], `${field}.values[${i}]`)
    if (i > 0 && (indices[i] as number) <= (indices[i - 1] as number)) ascends = false
  }
  return ascends ? { indices, values } : sorted(indices, values, field)
}

function sorted(indices: Uint32Array, values: Float32Array, field: string): StoredSparseVector {
  const order = Uint32Array.from(indices, (_, i) => i).sort((a, b) => (indices[a] as number) - (indices[b] as number))
  const ascending = Uint32Array.from(order, (i) => indices[i] as number)
  for (let i = 1; i < ascending.length; i++) {
    if (ascending[i] === ascending[i - 1]) throw invalid(`${field}.indices`, 'must be unique', ascending[i])
  }
  return { indices: ascending, values: Float32Array.from(order, (i) => values[i] as number) }
}

function numbersAt(value: unknown, field: string): ArrayLike<unknown> {
  if (Array.isArray(value)) return value
  if (value instanceof Float32Array || value instanceof Float64Array || value instanceof Uint32Array) return value
  throw invalid(field, 'expected an array', value)
}

function indexAt(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_SPARSE_INDEX) return value
  throw invalid(field, `expected an integer from 0 to ${MAX_SPARSE_INDEX}`, value)
}

function valueAt(value: unknown, field: string): number {
  if (typeof value !== 'number') throw invalid(field, 'expected a number', value)
  const rounded = Math.fround(value)
  if (!Number.isFinite(rounded)) {
    throw new UnfitVector('finite', field, `${field}: expected a finite 32-bit float, got ${describeValue(value)}`)
  }
  return rounded
}
