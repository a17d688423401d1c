import { createHash } from 'node:crypto'
import { VicinalError } from '../core/errors.js'
import type { PointId } from '../core/point.js'

/** Namespace of the UUIDs made from texts. It never changes: the same text is the same point in every import. */
const NAMESPACE = Buffer.from('6e5b1a0c2f0d5c4b9f7a3d1e8c4b2a60', 'hex')
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const MAX_U64 = 0xffff_ffff_ffff_ffffn

/** The id of a row. If it was made from a text, `original` is that text, which goes into the payload. */
export function pointId(value: unknown, where: string): { id: PointId; original: string | null } {
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
      return { id: nameToUuid(value), original: value }
  }
  throw new VicinalError(
    'INVALID_ARGUMENT',
    `${where}: expected an unsigned integer or a text as id, got ${String(value)}`,
  )
}

/** UUID version 5 (RFC 9562): SHA-1 of the namespace and the name. */
export function nameToUuid(name: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(name, 'utf8').digest()
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
