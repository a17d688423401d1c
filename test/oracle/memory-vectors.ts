/**
 * Vectors of every kind in the in-memory oracle: their stored form, their similarity, and the form that callers see.
 */
import { invalid } from '../../src/core/errors.js'
import type { StoredVector } from '../../src/core/point.js'
import type { Distance, ResolvedSparse, ResolvedVector } from '../../src/core/schema.js'
import { floats, score, storedVector } from './memory-points.js'

/** Components by index. */
export type SparseMap = ReadonlyMap<number, number>
export type MemoryVector = Float32Array | Float32Array[] | SparseMap
export type MemorySpace = ResolvedVector | ResolvedSparse

export function isSparseSpace(space: MemorySpace): space is ResolvedSparse {
  return 'modifier' in space
}

/** The stored form; `raw`: the form used for averages. */
export function memoryVector(value: unknown, space: MemorySpace, field: string, raw = false): MemoryVector {
  if (isSparseSpace(space)) return sparseMap(value, field)
  const one = (vector: unknown) => (raw ? floats(vector, space.size, field) : storedVector(vector, space, field))
  if (!space.multivectorConfig) return one(value)
  const several = Array.isArray(value) && typeof value[0] !== 'number' ? value : [value]
  if (several.length === 0) throw invalid(field, 'expected at least one vector', value)
  return several.map(one)
}

function sparseMap(value: unknown, field: string): SparseMap {
  if (value instanceof Map) return value
  const { indices, values } = (value ?? {}) as { indices?: ArrayLike<number>; values?: ArrayLike<number> }
  if (!indices || !values || indices.length !== values.length) {
    throw invalid(field, 'expected a sparse vector { indices, values }', value)
  }
  return new Map(Array.from(indices, (index, i) => [index, Math.fround(values[i] as number)]))
}

/** The form that callers see: components of sparse vectors by ascending index. */
export function seenVector(vector: MemoryVector): StoredVector {
  if (vector instanceof Float32Array || Array.isArray(vector)) return vector
  const entries = [...vector].sort(([a], [b]) => a - b)
  return {
    indices: Uint32Array.from(entries, ([index]) => index),
    values: Float32Array.from(entries, ([, value]) => value),
  }
}

/** Greater is nearer, for every kind and metric; used in scores of several examples. */
export function likeness(space: MemorySpace, example: MemoryVector, vector: MemoryVector): number {
  if (isSparseSpace(space)) return dot(example as SparseMap, vector as SparseMap)
  const { distance } = space
  if (!space.multivectorConfig) return similarity(distance, example as Float32Array, vector as Float32Array)
  const rows = vector as Float32Array[]
  return sum((example as Float32Array[]).map((one) => Math.max(...rows.map((row) => similarity(distance, one, row)))))
}

/** The score that callers see; null for sparse vectors without a shared index. */
export function nearestScore(space: MemorySpace, query: MemoryVector, vector: MemoryVector): number | null {
  if (isSparseSpace(space)) {
    const [a, b] = [query as SparseMap, vector as SparseMap]
    return [...a.keys()].some((index) => b.has(index)) ? Math.fround(dot(a, b)) : null
  }
  if (!space.multivectorConfig) return score(space.distance, query as Float32Array, vector as Float32Array)
  const all = likeness(space, query, vector)
  if (space.distance === 'Euclid') return Math.fround(Math.sqrt(-all))
  return Math.fround(space.distance === 'Manhattan' ? -all : all)
}

export function averageVector(
  space: MemorySpace,
  positives: readonly MemoryVector[],
  negatives: readonly MemoryVector[],
): MemoryVector {
  if (isSparseSpace(space)) return sparseAverage(positives as SparseMap[], negatives as SparseMap[])
  if (space.multivectorConfig) {
    const opposite = (vector: Float32Array) => vector.map((x) => -x)
    return [...(positives as Float32Array[][]).flat(), ...(negatives as Float32Array[][]).flat().map(opposite)]
  }
  const mean = (vectors: readonly Float32Array[]) =>
    vectors[0]?.map((_, i) => sum(vectors.map((vector) => vector[i] as number)) / vectors.length)
  const [good, bad] = [mean(positives as Float32Array[]) as Float32Array, mean(negatives as Float32Array[])]
  return bad ? good.map((x, i) => 2 * x - (bad[i] as number)) : good
}

function sparseAverage(positives: readonly SparseMap[], negatives: readonly SparseMap[]): SparseMap {
  const mean = (vectors: readonly SparseMap[], index: number) =>
    vectors.length === 0 ? 0 : sum(vectors.map((vector) => vector.get(index) ?? 0)) / vectors.length
  const indices = new Set([...positives, ...negatives].flatMap((vector) => [...vector.keys()]))
  return new Map(
    [...indices].map((index) => {
      const good = mean(positives, index)
      return [index, negatives.length === 0 ? good : 2 * good - mean(negatives, index)]
    }),
  )
}

/** Multiplies each value by the IDF of its index among all these vectors. */
export function weighed(vector: SparseMap, corpus: readonly SparseMap[]): SparseMap {
  return new Map(
    [...vector].map(([index, value]) => {
      const have = corpus.filter((one) => one.has(index)).length
      return [index, value * Math.log(1 + (corpus.length - have + 0.5) / (have + 0.5))]
    }),
  )
}

function dot(a: SparseMap, b: SparseMap): number {
  return sum([...a].map(([index, value]) => value * (b.get(index) ?? 0)))
}

/** Greater is nearer under every metric. */
export function similarity(distance: Distance, a: Float32Array, b: Float32Array): number {
  if (distance === 'Euclid') return -sum([...a].map((x, i) => (x - (b[i] as number)) ** 2))
  if (distance === 'Manhattan') return -sum([...a].map((x, i) => Math.abs(x - (b[i] as number))))
  return sum([...a].map((x, i) => x * (b[i] as number)))
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, x) => total + x, 0)
}

/** Whether greater scores are better; also true for sparse vectors. */
export function isGreaterBetter(space: MemorySpace): boolean {
  return isSparseSpace(space) || space.distance === 'Cosine' || space.distance === 'Dot'
}
