import { VicinalError } from '../core/errors.js'
import type { PointId } from '../core/point.js'
import { uuidOfText } from '../core/text-ids.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const MAX_U64 = 0xffff_ffff_ffff_ffffn

/**
 * The id of a row. If it was made from a text, `original` is that text, which goes into the payload. In a collection whose
 * ids are texts, every id is the text itself.
 */
export function pointId(value: unknown, where: string, isText = false): { id: PointId; original: string | null } {
  if (isText && typeof value === 'string') return { id: value, original: null }
  const read = numberOrUuid(value, where)
  return isText ? { ...read, id: String(read.id) } : read
}

function numberOrUuid(value: unknown, where: string): { id: PointId; original: string | null } {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value) && value >= 0) return { id: value, original: null }
      break
    case 'bigint':
      if (value >= 0n && value <= MAX_U64) {
        return { id: value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value, original: null }
      }
      break
    case 'string':
      if (UUID.test(value)) return { id: value.toLowerCase(), original: null }
      return { id: uuidOfText(value), original: value }
  }
  throw new VicinalError(
    'INVALID_ARGUMENT',
    `${where}: expected an unsigned integer or a text as id, got ${String(value)}`,
  )
}
