import { VicinalError } from '../core/errors.js'
import { crc32c } from '../native/checksum.js'

/**
 * The bytes of a log file, little-endian (docs/data-format.md has the table).
 *
 * Every checksum in a file continues its header's, which covers the collection's uuid and the file's first number. A
 * record of another file or collection is therefore never taken for one of this file. A record stores the number of the
 * last record on stable storage at its writing (`syncedSeq`). This tells damage from a power cut: synced records must
 * be whole, and only later ones may be missing.
 */
const MAGIC = Buffer.from('VICNLOG\n', 'latin1')
const FORMAT_VERSION = 1
export const FILE_HEADER_BYTES = 48
export const RECORD_HEADER_BYTES = 28
/** Most bytes of one record's body. The whole body is in memory during replay. */
export const MAX_BODY_BYTES = 512 * 1024 * 1024
const UUID_AT = 16
const FIRST_SEQ_AT = 32
const FILE_CRC_AT = FILE_HEADER_BYTES - 4
/** Offset in a record's header. */
export const RECORD_CRC_AT = RECORD_HEADER_BYTES - 4

const SUFFIX = '.vlog'
const FILE_NAME = /^(\d{20})\.vlog$/

export function logFileName(firstSeq: number): string {
  return `${String(firstSeq).padStart(20, '0')}${SUFFIX}`
}

/** The number in a log file's name; null if the name is not a log file's. */
export function firstSeqOfName(name: string): number | null {
  const digits = FILE_NAME.exec(name)?.[1]
  if (digits === undefined) return null
  const seq = Number(digits)
  return Number.isSafeInteger(seq) ? seq : null
}

export function encodeFileHeader(uuid: string, firstSeq: number): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  header.set(MAGIC, 0)
  header.writeUInt32LE(FORMAT_VERSION, 8)
  header.writeUInt32LE(FORMAT_VERSION, 12)
  header.write(uuid.replaceAll('-', ''), UUID_AT, 'hex')
  header.writeBigUInt64LE(BigInt(firstSeq), FIRST_SEQ_AT)
  header.writeUInt32LE(crc32c(header.subarray(0, FILE_CRC_AT)), FILE_CRC_AT)
  return header
}

/** Checks a file's header against its name and its collection. Returns the seed of its checksums. */
export function checkFileHeader(header: Buffer, path: string, uuid: string): number {
  const wrong = (what: string) => new VicinalError('CORRUPT', `${path}: ${what}`, { details: { path, offset: 0 } })
  if (header.length < FILE_HEADER_BYTES)
    throw wrong(`expected a header of ${FILE_HEADER_BYTES} bytes, got ${header.length}`)
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw wrong('this is no log file')
  const crc = crc32c(header.subarray(0, FILE_CRC_AT))
  if (header.readUInt32LE(FILE_CRC_AT) !== crc) throw wrong('the header does not match its checksum')
  const leastReader = header.readUInt32LE(12)
  if (leastReader > FORMAT_VERSION) {
    throw new VicinalError(
      'UNSUPPORTED_FORMAT',
      `${path}: needs a reader of format ${leastReader}, this one reads up to ${FORMAT_VERSION}`,
      {
        details: { path, leastReader, formatVersion: FORMAT_VERSION },
      },
    )
  }
  if (header.toString('hex', UUID_AT, UUID_AT + 16) !== uuid.replaceAll('-', ''))
    throw wrong('this is the log of another collection')
  if (logFileName(Number(header.readBigUInt64LE(FIRST_SEQ_AT))) !== path.slice(-logFileName(0).length)) {
    throw wrong('the name does not match the first record of the header')
  }
  return crc
}

export interface RecordHeader {
  bodyBytes: number
  bodyCrc: number
  seq: number
  /** Every record up to this one was on stable storage when this one was written. */
  syncedSeq: number
}

export function encodeRecordHeader(header: RecordHeader, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES)
  bytes.writeUInt32LE(header.bodyBytes, 0)
  bytes.writeUInt32LE(header.bodyCrc, 4)
  bytes.writeBigUInt64LE(BigInt(header.seq), 8)
  bytes.writeBigUInt64LE(BigInt(header.syncedSeq), 16)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, RECORD_CRC_AT), seed), RECORD_CRC_AT)
  return bytes
}

/** The header at `at`; null if its checksum or its bounds do not fit. */
export function decodeRecordHeader(bytes: Buffer, at: number, seed: number): RecordHeader | null {
  if (bytes.readUInt32LE(at + RECORD_CRC_AT) !== crc32c(bytes.subarray(at, at + RECORD_CRC_AT), seed)) return null
  const bodyBytes = bytes.readUInt32LE(at)
  const seq = Number(bytes.readBigUInt64LE(at + 8))
  if (bodyBytes > MAX_BODY_BYTES || !Number.isSafeInteger(seq)) return null
  return { bodyBytes, bodyCrc: bytes.readUInt32LE(at + 4), seq, syncedSeq: Number(bytes.readBigUInt64LE(at + 16)) }
}
