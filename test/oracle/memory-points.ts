/** Ids, vectors and distances of the in-memory oracle, in simple arithmetic. */
import { invalid } from '../../src/core/errors.js'
import { isNumbers, type PointId } from '../../src/core/point.js'
import type { Distance, ResolvedVector } from '../../src/core/schema.js'
import type { MemoryVector } from './memory-vectors.js'

export interface MemoryPoint {
  id: PointId
  vectors: Map<string, MemoryVector>
  payload: Record<string, unknown>
  version: number
}

const UUID = /^[0-9a-f]{32}$/

/** One key for each id, equal for all its spellings. Keys sort like ids: numbers before UUIDs. */
export function idKey(id: unknown, field = 'id'): string {
  if (typeof id === 'bigint' || (typeof id === 'number' && Number.isSafeInteger(id))) {
    const number = BigInt(id)
    if (number >= 0n && number < 1n << 64n) return `0${number.toString().padStart(20, '0')}`
  }
  if (typeof id === 'string') {
    const hex = id.toLowerCase().replace(/^urn:uuid:|[{}-]/g, '')
    if (UUID.test(hex)) return `1${hex}`
  }
  throw invalid(field, 'expected an unsigned 64-bit integer or a UUID', id)
}

export function idOfKey(key: string): PointId {
  if (key.startsWith('0')) {
    const number = BigInt(key.slice(1))
    return number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : number
  }
  return key.slice(1).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** A vector as stored: float32, finite, of unit length under Cosine. */
export function storedVector(value: unknown, { size, distance }: ResolvedVector, field: string): Float32Array {
  const vector = floats(value, size, field)
  if (distance !== 'Cosine') return vector
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))
  return norm === 0 ? vector : vector.map((x) => x / norm)
}

export function floats(value: unknown, size: number, field: string): Float32Array {
  if (!isNumbers(value)) {
    throw invalid(field, `expected a vector of ${size} numbers`, value)
  }
  if (value.length !== size) throw invalid(field, `Vector dimension error: expected dim: ${size}`, value.length)
  const vector = new Float32Array(size)
  for (let i = 0; i < size; i++) {
    if (typeof value[i] !== 'number') throw invalid(`${field}[${i}]`, 'expected a number', value[i])
    vector[i] = value[i] as number
    if (!Number.isFinite(vector[i])) throw invalid(`${field}[${i}]`, 'expected a finite 32-bit float', value[i])
  }
  return vector
}

export function score(distance: Distance, query: Float32Array, vector: Float32Array): number {
  let sum = 0
  for (let i = 0; i < query.length; i++) {
    const [a, b] = [query[i] as number, vector[i] as number]
    if (distance === 'Euclid') sum += (a - b) ** 2
    else if (distance === 'Manhattan') sum += Math.abs(a - b)
    else sum += a * b
  }
  return Math.fround(distance === 'Euclid' ? Math.sqrt(sum) : sum)
}
