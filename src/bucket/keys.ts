/**
 * The keys of a group's database (docs/data-format.md has the table). A collection's name stands in one key alone, so a
 * collection that is deleted and made again shares no key with the first: it has another uuid.
 */
const SEQ_BYTES = 8
const text = (value: string) => new Uint8Array(Buffer.from(value, 'utf8'))

/** The last opening, and the node that made it: each owner writes the next one first. */
export const OWNER = text('e')
/** The watermark of the last batch. */
export const WATERMARK = text('w')
export const ALIASES = text('a')
export const QUOTAS = text('q')
export const CATALOGUE = text('c/')
export const MANIFESTS = text('m/')
export const RECORDS = text('r/')
/** Objects to be removed. */
export const REMOVALS = text('x/')

/** The catalogue's entry of a name. */
export const collectionKey = (name: string) => text(`c/${name}`)
export const manifestKey = (uuid: string) => text(`m/${uuid}`)
export const removalKey = (path: string) => text(`x/${path}`)
/** All records of a collection. */
export const recordsOf = (uuid: string) => text(`r/${uuid}/`)

const UUID_CHARS = 36

/** The collection of a key with this prefix; null for another key. */
export function uuidOf(key: Uint8Array, prefix: Uint8Array): string | null {
  const given = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  const end = prefix.length + UUID_CHARS
  if (given.length < end || !given.subarray(0, prefix.length).equals(prefix)) return null
  return given.toString('latin1', prefix.length, end)
}

/** Records of a collection from this number on, as many as one batch had. */
export function recordsKey(uuid: string, firstSeq: number): Uint8Array {
  const prefix = recordsOf(uuid)
  const key = Buffer.alloc(prefix.length + SEQ_BYTES)
  key.set(prefix)
  key.writeBigUInt64BE(BigInt(firstSeq), prefix.length)
  return key
}

export function firstSeqOf(key: Uint8Array): number {
  return Number(Buffer.from(key.buffer, key.byteOffset, key.byteLength).readBigUInt64BE(key.byteLength - SEQ_BYTES))
}

/** The first key behind all keys with this prefix. */
export function behind(prefix: Uint8Array): Uint8Array {
  const end = Uint8Array.from(prefix)
  end[end.length - 1] = (end.at(-1) as number) + 1
  return end
}
