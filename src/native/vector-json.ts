import { randomBytes } from 'node:crypto'
import type { LiftedVectors } from './addon.js'
import { rethrow, toVicinalError } from './errors.js'
import { addon } from './load.js'

/** What stands in the text where a vector was, before its number. No sender can know it. */
export const VECTOR_MARK = `vector-${randomBytes(16).toString('hex')}-`
const markBytes = Buffer.from(VECTOR_MARK)

/** The vectors of a request in JSON, taken out of its text; null where there are none. */
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

/** Numbers of JSON with commas between them, each in as few digits as lead back to the same float32. */
export function numbersJson(values: Float32Array): string {
  try {
    return addon().floatsJson(values)
  } catch (error) {
    throw toVicinalError(error)
  }
}
