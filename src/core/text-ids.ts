/**
 * Text ids (collection option `ids: 'text'`). The kernel knows a point by the UUID of version 5 that is derived from its
 * text. The text itself is the first key of the stored payload text, a key that no answer shows. A text in the canonical
 * form of UUIDs is that UUID, and has no such key.
 */
import { createHash } from 'node:crypto'
import { LIMITS } from './limits.js'

/** Namespace of the UUIDs. It never changes: the same text is the same point, in every collection and import. */
const NAMESPACE = Buffer.from('6e5b1a0c2f0d5c4b9f7a3d1e8c4b2a60', 'hex')
const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Payloads may not have this key: U+007F needs no escape in JSON, and no caller has it by chance. */
export const TEXT_ID_KEY = '\u007fid'
const HEAD = `{"${TEXT_ID_KEY}":`

export function isCanonicalUuid(text: string): boolean {
  return text.length === 36 && CANONICAL_UUID.test(text)
}

/** Texts with lone surrogates are no ids: as UTF-8 they would all be one. */
export function isTextId(id: unknown): id is string {
  if (typeof id !== 'string' || id === '' || id.length > LIMITS.textIdBytes || !id.isWellFormed()) return false
  return Buffer.byteLength(id) <= LIMITS.textIdBytes
}

/** The bytes of the UUID of version 5 (RFC 9562): SHA-1 of the namespace and the text. */
export function uuidBytesOfText(text: string): Buffer {
  const hash = createHash('sha1').update(NAMESPACE).update(text, 'utf8').digest()
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  return hash.subarray(0, 16)
}

export function uuidOfText(text: string): string {
  const hex = uuidBytesOfText(text).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The text that is stored beside a point of this id; null for UUIDs. */
export function textIdOf(id: unknown): string | null {
  return typeof id === 'string' && !isCanonicalUuid(id) ? id : null
}

/** The id under which the kernel has the point that an answer tells by its text, if it does. */
export function storedId<Id>(id: Id): Id | string {
  const text = textIdOf(id)
  return text === null ? id : uuidOfText(text)
}

/** A stored payload text without its text id, which is null if there is none. The rest is '' for an empty payload. */
export function splitTextId(stored: string): { textId: string | null; payload: string } {
  if (!stored.startsWith(HEAD)) return { textId: null, payload: stored }
  const end = endOfText(stored, HEAD.length)
  const textId = JSON.parse(stored.slice(HEAD.length, end)) as string
  return { textId, payload: stored[end] === ',' ? `{${stored.slice(end + 1)}` : '' }
}

/** The payload text to store for a point of this text id. */
export function joinTextId(textId: string | null, payload: string): string {
  if (textId === null) return payload
  const head = `${HEAD}${JSON.stringify(textId)}`
  return payload.length <= 2 ? `${head}}` : `${head},${payload.slice(1)}`
}

/** Where the JSON text that begins at `start` ends, its quotes included. */
function endOfText(json: string, start: number): number {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}
