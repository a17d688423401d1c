import { randomBytes } from 'node:crypto'
import type { LiftedVectors } from './addon.js'
import { rethrow, toVicinalError } from './errors.js'
import { addon } from './load.js'

/** Stands in the text in the place of a vector, before its number. No sender can know it. */
export const VECTOR_MARK = `vector-${randomBytes(16).toString('hex')}-`
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
