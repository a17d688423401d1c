import { randomBytes } from 'node:crypto'
import type { Datatype, ResolvedVector } from '../core/schema.js'
import type { LiftedVectors } from './addon.js'
import { addon, rethrow, toVicinalError } from './load.js'

/** Up to this size (some 20 µs of work) a hop to the pool costs more than the work itself. */
const SYNC_FLOATS = 32 * 1024
/** Stands in the text in the place of a vector, before its number. No sender can know it. */
export const VECTOR_MARK = `vector-${randomBytes(16).toString('hex')}-`

/**
 * Checks vectors in place. Returns the index of the first one with a component that is not finite, or -1. With
 * `normalise` each is scaled to unit length. Components are rounded to the datatype.
 */
export async function prepareVectors(
  data: Float32Array,
  dim: number,
  normalise: boolean,
  datatype: Datatype = 'float32',
): Promise<number> {
  try {
    if (data.length <= SYNC_FLOATS) return addon().prepareVectorsSync(data, dim, normalise, datatype)
    return await addon().prepareVectors(data, dim, normalise, datatype)
  } catch (error) {
    return rethrow(error)
  }
}

/** The findings of an inspection, for each vector. */
export interface VectorFacts {
  /** In double precision, before any scaling; not finite if a component is not. */
  norms: Float64Array
  /** Bits: HAS_NAN, HAS_BEYOND. */
  flags: Uint8Array
  /** Equal vectors have equal hashes; null unless they were asked for. */
  hashes: BigUint64Array | null
}
export const HAS_NAN = 1
/** A component is infinite, or more than the datatype can hold. */
export const HAS_BEYOND = 2
const WORDS_OF_HASH = 2

/** Looks at vectors as they came, in one pass. */
export async function inspectVectors(
  data: Float32Array,
  dim: number,
  datatype: Datatype = 'float32',
  withHashes = false,
): Promise<VectorFacts> {
  const count = data.length / dim
  const norms = new Float64Array(count)
  const flags = new Uint8Array(count)
  const hashes = withHashes ? new Uint32Array(count * WORDS_OF_HASH) : null
  try {
    if (data.length <= SYNC_FLOATS) addon().inspectVectorsSync(data, dim, datatype, norms, flags, hashes)
    else await addon().inspectVectors(data, dim, datatype, norms, flags, hashes)
  } catch (error) {
    return rethrow(error)
  }
  return { norms, flags, hashes: hashes && new BigUint64Array(hashes.buffer) }
}

const METRICS = ['Cosine', 'Dot', 'Euclid', 'Manhattan'] as const
const NONE = -1
const PASSED_OVER = -2

/** Vectors end to end, and the encoded ids of their points. */
interface WrittenVectors {
  data: Float32Array
  ids: Uint32Array
}

/**
 * For each vector the first near one before it, at most `window` back; null without one. Near: of another point, and
 * meeting the threshold. Vectors near to an earlier one, and vectors that `isPassedOver` names, are not compared.
 */
export async function nearEarlier(
  { data, ids }: WrittenVectors,
  { size, distance }: Pick<ResolvedVector, 'size' | 'distance'>,
  threshold: number,
  window: number,
  isPassedOver: (at: number) => boolean,
): Promise<({ at: number; score: number } | null)[]> {
  const found = Int32Array.from({ length: data.length / size }, (_, at) => (isPassedOver(at) ? PASSED_OVER : NONE))
  const scores = new Float32Array(found.length)
  const metric = METRICS.indexOf(distance)
  await addon().nearEarlier(data, size, metric, threshold, window, found, scores, ids).catch(rethrow)
  return Array.from(found, (at, row) => (at < 0 ? null : { at, score: scores[row] as number }))
}

/** Rounds a query like stored vectors. A query beyond the datatype's range stays as it is. */
export function roundQuery(data: Float32Array, dim: number, datatype: Datatype): Float32Array {
  if (datatype === 'float32') return data
  const rounded = data.slice()
  return addon().prepareVectorsSync(rounded, dim, false, datatype) < 0 ? rounded : data
}
const markBytes = Buffer.from(VECTOR_MARK)

/** Extracts the vectors of a request in JSON from its text; null if there are none. */
export function liftVectors(json: Uint8Array): LiftedVectors | null {
  try {
    return addon().liftVectorsSync(json, markBytes)
  } catch (error) {
    throw toVicinalError(error)
  }
}

/** The same on the kernel's pool. */
export async function liftVectorsAside(json: Uint8Array): Promise<LiftedVectors | null> {
  return await addon().liftVectors(json, markBytes).catch(rethrow)
}

/** Numbers as JSON separated by commas, each with the fewest digits that give the same float32. */
export function numbersJson(values: Float32Array): string {
  try {
    return addon().floatsJson(values)
  } catch (error) {
    throw toVicinalError(error)
  }
}

/** The squared Euclidean distances of all vectors to each other, on a kernel thread of low priority. */
export async function squaredDistances(vectors: Float32Array, dim: number): Promise<Float32Array> {
  return (await addon().squaredDistances(vectors, dim).catch(rethrow)).distances
}

/** For each split, the sum of the distances of all ordered pairs whose items both have the label 1. */
export async function sumsWithin(distances: Float32Array, labels: Uint8Array): Promise<Float64Array> {
  return (await addon().sumsWithin(distances, labels).catch(rethrow)).sums
}
