import { VicinalError } from '../core/errors.js'
import { decodeRecord, type LogEntry } from '../log/record.js'

/**
 * The value of a key of records: format, the owner's epoch, then each record with its length. Numbers are consecutive
 * from the key's. SlateDB checks its blocks, so that there is no further checksum.
 */
const FORMAT = 1
const HEADER_BYTES = 12
const LENGTH_BYTES = 4

export interface EncodedBody {
  chunks: Uint8Array[]
  bytes: number
}

export const framedBytes = (body: EncodedBody) => LENGTH_BYTES + body.bytes

export function encodeRecords(epoch: number, bodies: readonly EncodedBody[]): Uint8Array {
  const value = Buffer.allocUnsafe(bodies.reduce((sum, body) => sum + framedBytes(body), HEADER_BYTES))
  value.writeUInt32LE(FORMAT, 0)
  value.writeBigUInt64LE(BigInt(epoch), 4)
  let at = HEADER_BYTES
  for (const { chunks, bytes } of bodies) {
    value.writeUInt32LE(bytes, at)
    at += LENGTH_BYTES
    for (const chunk of chunks) {
      value.set(chunk, at)
      at += chunk.byteLength
    }
  }
  return value
}

/** Where the records of a value are, and the epoch that wrote them. Throws CORRUPT if it is no such value. */
export function recordsIn(value: Uint8Array, where: string): { epoch: number; bodies: Uint8Array[] } {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const wrong = (what: string) => new VicinalError('CORRUPT', `${where}: ${what}`)
  if (bytes.length < HEADER_BYTES) throw wrong('the value is too short')
  const format = bytes.readUInt32LE(0)
  if (format !== FORMAT)
    throw new VicinalError('UNSUPPORTED_FORMAT', `${where}: is of format ${format}, this one reads ${FORMAT}`)
  const bodies: Uint8Array[] = []
  let at = HEADER_BYTES
  while (at < bytes.length) {
    const end =
      at + LENGTH_BYTES <= bytes.length ? at + LENGTH_BYTES + bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw wrong('a record ends behind its value')
    bodies.push(value.subarray(at + LENGTH_BYTES, end))
    at = end
  }
  return { epoch: Number(bytes.readBigUInt64LE(4)), bodies }
}

/** The records of a value, numbered. */
export function decodeRecords(firstSeq: number, value: Uint8Array, where: string): LogEntry[] {
  return recordsIn(value, where).bodies.map((body, i) => ({ seq: firstSeq + i, record: decodeRecord(body) }))
}
