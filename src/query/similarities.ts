/** Similarities between the candidates of a search, for every kind of vector. */
import type { StoredSparseVector } from '../core/point.js'
import { type Distance, isSparse, type SchemaVector } from '../core/schema.js'
import type { VectorRows } from '../native/addon.js'
import type { VectorValue } from './plan.js'
import { sparseOfRow, startsOf } from './rows.js'

/** Similarities as sums of parts, each computed in at most some milliseconds. Greater is nearer with every metric. */
export interface Similarities {
  /** Number of candidates. */
  count: number
  queryParts: number
  /** One part of the similarity between query and candidate. */
  toQuery(at: number, part: number): number
  /** Number of parts of a candidate; at least 1. */
  parts(at: number): number
  /** One part of the similarity between two candidates. */
  between(at: number, part: number, other: number): number
}

/** `rows` are the candidates' vectors. */
export function similaritiesOf(
  vector: SchemaVector,
  query: VectorValue,
  rows: VectorRows,
  count: number,
): Similarities {
  if (isSparse(vector)) return sparseSimilarities(query as StoredSparseVector, rows, count)
  return denseSimilarities(vector.distance, vector.size, query as Float32Array, {
    data: rows.data,
    // Rows of a multivector have any number of vectors.
    starts: vector.multivectorConfig ? startsOf(rows.counts) : Uint32Array.from({ length: count + 1 }, (_, i) => i),
  })
}

/**
 * MaxSim: for each vector of one side, the greatest similarity with any vector of the other. For single vectors it is
 * their similarity.
 */
function denseSimilarities(
  distance: Distance,
  size: number,
  query: Float32Array,
  { data, starts }: { data: Float32Array; starts: Uint32Array },
): Similarities {
  const similarity = similarityOf(distance, size)
  const asked = distance === 'Cosine' ? units(query, size) : query
  const greatest = (of: Float32Array, from: number, other: number): number => {
    const end = starts[other + 1] as number
    let most = Number.NEGATIVE_INFINITY
    for (let i = starts[other] as number; i < end; i++) most = Math.max(most, similarity(of, from, data, i * size))
    return most
  }
  return {
    count: starts.length - 1,
    queryParts: query.length / size,
    toQuery: (at, part) => greatest(asked, part * size, at),
    parts: (at) => (starts[at + 1] as number) - (starts[at] as number),
    between: (at, part, other) => greatest(data, ((starts[at] as number) + part) * size, other),
  }
}

function similarityOf(distance: Distance, size: number) {
  return (one: Float32Array, a: number, other: Float32Array, b: number): number => {
    let sum = 0
    if (distance === 'Euclid') {
      for (let i = 0; i < size; i++) sum -= ((one[a + i] as number) - (other[b + i] as number)) ** 2
    } else if (distance === 'Manhattan') {
      for (let i = 0; i < size; i++) sum -= Math.abs((one[a + i] as number) - (other[b + i] as number))
    } else {
      for (let i = 0; i < size; i++) sum += (one[a + i] as number) * (other[b + i] as number)
    }
    return sum
  }
}

function units(vectors: Float32Array, size: number): Float32Array {
  const scaled = vectors.slice()
  for (let from = 0; from < scaled.length; from += size) {
    const one = scaled.subarray(from, from + size)
    let squares = 0
    for (const x of one) squares += x * x
    const norm = Math.sqrt(squares)
    if (norm > 0)
      one.forEach((x, i) => {
        one[i] = x / norm
      })
  }
  return scaled
}

/** Dot products with the query's own values, without IDF, as in Qdrant. */
function sparseSimilarities(query: StoredSparseVector, rows: VectorRows, count: number): Similarities {
  const vectors = Array.from({ length: count }, (_, row) => sparseOfRow(rows, row))
  return {
    count,
    queryParts: 1,
    toQuery: (at) => dotSparse(query, vectors[at] as StoredSparseVector),
    parts: () => 1,
    between: (at, _, other) => dotSparse(vectors[at] as StoredSparseVector, vectors[other] as StoredSparseVector),
  }
}

function dotSparse(one: StoredSparseVector, other: StoredSparseVector): number {
  let sum = 0
  for (let i = 0, k = 0; i < one.indices.length && k < other.indices.length; ) {
    const [a, b] = [one.indices[i] as number, other.indices[k] as number]
    if (a === b) sum += (one.values[i] as number) * (other.values[k] as number)
    if (a <= b) i += 1
    if (b <= a) k += 1
  }
  return sum
}
