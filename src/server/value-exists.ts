import type { CallOptions, ReadableDatabase } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import type { ValueExists } from './tokens.js'

/** Whether a point has all the values that a token asks for. A collection that cannot be asked for them has none. */
export async function valueExists(
  database: ReadableDatabase,
  { collection: name, matches }: ValueExists,
  call: CallOptions,
): Promise<boolean> {
  const filter = { must: matches.map(({ key, value }) => ({ key, match: { value } })) }
  try {
    const collection = await database.collection(name)
    const { points } = await collection.scrollPage({ ...call, filter, limit: 1, withPayload: false, withVector: false })
    return points.length > 0
  } catch (error) {
    if (error instanceof VicinalError && ['NOT_FOUND', 'INVALID_ARGUMENT'].includes(error.code)) return false
    throw error
  }
}
