import { rethrow } from './errors.js'
import { addon } from './load.js'

/** Up to here (some 20 µs of work) a hop to the pool costs more than the work itself. */
const SYNC_FLOATS = 32 * 1024

/**
 * Checks vectors in place: the index of the first with a component that is not finite, or -1. With `normalise`,
 * scales each to unit length.
 */
export async function prepareVectors(data: Float32Array, dim: number, normalise: boolean): Promise<number> {
  try {
    if (data.length <= SYNC_FLOATS) return addon().prepareVectorsSync(data, dim, normalise)
    return await addon().prepareVectors(data, dim, normalise)
  } catch (error) {
    return rethrow(error)
  }
}
