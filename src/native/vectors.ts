import type { Datatype } from '../core/schema.js'
import { rethrow } from './errors.js'
import { addon } from './load.js'

/** Up to this size (some 20 µs of work) a hop to the pool costs more than the work itself. */
const SYNC_FLOATS = 32 * 1024

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

/** Rounds a query like stored vectors. A query beyond the datatype's range stays as it is. */
export function roundQuery(data: Float32Array, dim: number, datatype: Datatype): Float32Array {
  if (datatype === 'float32') return data
  const rounded = data.slice()
  return addon().prepareVectorsSync(rounded, dim, false, datatype) < 0 ? rounded : data
}
