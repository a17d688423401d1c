import { parseBigJson, writeBigJson } from '../core/big-json.js'
import { VicinalError } from '../core/errors.js'
import type { Disk } from '../disk/disk.js'
import { crc32c } from '../native/checksum.js'

/**
 * Small files that are replaced as a whole. A frame surrounds a JSON body: magic, format version, least version that
 * may read it, length and checksum. The frame is the same in every version, so damage can be told from a newer format.
 */
export interface FileKind {
  /** Exactly eight characters. */
  magic: string
  formatVersion: number
  /** Readers below this version cannot read files written now. */
  leastReader: number
  maxBytes: number
}

const FRAME_BYTES = 28
const CRC_AT = FRAME_BYTES - 4

export async function writeChecked(disk: Disk, path: string, kind: FileKind, body: unknown): Promise<void> {
  await disk.replaceFile(path, encodeChecked(path, kind, body))
}

/** The body as it was written, after the checksum matched. */
export async function readChecked(disk: Disk, path: string, kind: FileKind): Promise<unknown> {
  return decodeChecked(path, kind, await disk.readFile(path, kind.maxBytes))
}

/** The bytes of a file; `path` is for messages. */
export function encodeChecked(path: string, kind: FileKind, body: unknown): Buffer {
  const text = Buffer.from(writeBigJson(body))
  const bytes = Buffer.alloc(FRAME_BYTES + text.length)
  bytes.write(kind.magic, 0, 'latin1')
  bytes.writeUInt32LE(kind.formatVersion, 8)
  bytes.writeUInt32LE(kind.leastReader, 12)
  bytes.writeBigUInt64LE(BigInt(text.length), 16)
  bytes.set(text, FRAME_BYTES)
  bytes.writeUInt32LE(checksum(bytes), CRC_AT)
  if (bytes.length > kind.maxBytes) {
    throw new VicinalError('TOO_LARGE', `${path}: expected at most ${kind.maxBytes} bytes, got ${bytes.length}`, {
      details: { path },
    })
  }
  return bytes
}

export function decodeChecked(path: string, kind: FileKind, bytes: Buffer): unknown {
  const corrupt = (what: string, cause?: unknown) =>
    new VicinalError('CORRUPT', `${path}: ${what}`, { details: { path }, cause })
  if (bytes.length < FRAME_BYTES) throw corrupt(`expected at least ${FRAME_BYTES} bytes, got ${bytes.length}`)
  if (bytes.toString('latin1', 0, 8) !== kind.magic) throw corrupt(`this is no file of kind ${kind.magic.trim()}`)
  if (Number(bytes.readBigUInt64LE(16)) !== bytes.length - FRAME_BYTES)
    throw corrupt('the length in its frame is wrong')
  if (bytes.readUInt32LE(CRC_AT) !== checksum(bytes)) throw corrupt('the file does not match its checksum')
  const leastReader = bytes.readUInt32LE(12)
  if (leastReader > kind.formatVersion) {
    throw new VicinalError(
      'UNSUPPORTED_FORMAT',
      `${path}: needs a reader of format ${leastReader}, this one reads up to ${kind.formatVersion}`,
      {
        details: { path, leastReader, formatVersion: kind.formatVersion },
      },
    )
  }
  try {
    return parseBigJson(bytes.toString('utf8', FRAME_BYTES))
  } catch (cause) {
    throw corrupt('the body is no JSON', cause)
  }
}

/** Covers all bytes except the checksum itself. */
function checksum(bytes: Buffer): number {
  return crc32c(bytes.subarray(FRAME_BYTES), crc32c(bytes.subarray(0, CRC_AT)))
}
