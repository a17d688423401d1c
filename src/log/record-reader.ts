import type { ReadFile } from '../disk/read-file.js'
import { crc32c } from '../native/checksum.js'
import { decodeRecordHeader, FILE_HEADER_BYTES, RECORD_CRC_AT, RECORD_HEADER_BYTES } from './format.js'

/** Bytes read at once; a longer record is read separately. */
const WINDOW_BYTES = 1024 * 1024
/** Bytes that a disk writes as a whole or not at all. */
const SECTOR_BYTES = 512

/** `body` is a view that lasts until the next call. `crc` is the header's checksum, which covers the body's. */
export type ReadResult =
  | { kind: 'record'; seq: number; syncedSeq: number; crc: number; offset: number; end: number; body: Buffer }
  | { kind: 'end' }
  /** `torn`: as an unfinished write leaves it. Otherwise the bytes were whole once and have changed. */
  | { kind: 'bad'; offset: number; torn: boolean; reason: string }

/** Reads the records of one log file in order, a window at a time. */
export class RecordReader {
  #window: Buffer = Buffer.alloc(0)
  /** Position in the file at which the window begins. */
  #start = 0
  #offset: number
  #nextSeq: number

  constructor(
    private readonly file: ReadFile,
    private readonly seed: number,
    firstSeq: number,
    /** Bytes beyond this position are not read; it may grow. */
    public limit: number,
    offset = FILE_HEADER_BYTES,
  ) {
    this.#nextSeq = firstSeq
    this.#offset = offset
  }

  /** Position of the next record. */
  get offset(): number {
    return this.#offset
  }

  get nextSeq(): number {
    return this.#nextSeq
  }

  async next(): Promise<ReadResult> {
    const offset = this.#offset
    if (offset >= this.limit) return { kind: 'end' }
    const headerBytes = await this.#bytes(RECORD_HEADER_BYTES, offset)
    if (headerBytes.length < RECORD_HEADER_BYTES)
      return { kind: 'bad', offset, torn: true, reason: 'the record is cut short' }
    const header = decodeRecordHeader(headerBytes, 0, this.seed)
    if (header === null) {
      return {
        kind: 'bad',
        offset,
        torn: hasEmptySector(headerBytes, offset),
        reason: "the record's header does not match its checksum",
      }
    }
    if (header.seq !== this.#nextSeq) {
      return { kind: 'bad', offset, torn: false, reason: `expected record ${this.#nextSeq}, got ${header.seq}` }
    }
    const crc = headerBytes.readUInt32LE(RECORD_CRC_AT)
    const end = offset + RECORD_HEADER_BYTES + header.bodyBytes
    if (end > this.limit) return { kind: 'bad', offset, torn: true, reason: 'the record is cut short' }
    const body = await this.#bytes(header.bodyBytes, offset + RECORD_HEADER_BYTES)
    if (body.length < header.bodyBytes) return { kind: 'bad', offset, torn: true, reason: 'the record is cut short' }
    if (crc32c(body, this.seed) !== header.bodyCrc) {
      const torn = hasEmptySector(body, offset + RECORD_HEADER_BYTES)
      return { kind: 'bad', offset, torn, reason: 'the record does not match its checksum' }
    }
    this.#offset = end
    this.#nextSeq++
    return { kind: 'record', seq: header.seq, syncedSeq: header.syncedSeq, crc, offset, end, body }
  }

  /** Drops the bytes read ahead, to see later writes. */
  refresh(limit: number): void {
    this.limit = limit
    this.#window = Buffer.alloc(0)
  }

  /** Returns fewer bytes than asked for only at the limit or at the end of the file. */
  async #bytes(length: number, offset: number): Promise<Buffer> {
    const at = offset - this.#start
    if (at >= 0 && at + length <= this.#window.length) return this.#window.subarray(at, at + length)
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.limit - offset)
    this.#window = await this.file.read(offset, wanted)
    this.#start = offset
    return this.#window.subarray(0, length)
  }
}

/**
 * True if the bytes of some sector are all zero. A log file looks like this where the disk did not write, although the
 * file's length already covers it.
 */
function hasEmptySector(bytes: Buffer, offset: number): boolean {
  let at = 0
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES))
    let byte = at
    while (byte < end && bytes[byte] === 0) byte++
    if (byte === end) return true
    at = end
  }
  return false
}

/**
 * Searches after a bad record for a record that was written when the bad one was already on stable storage. The header
 * of such a record proves damage: no power cut can be the cause.
 */
export async function isKnownSynced(
  file: ReadFile,
  seed: number,
  badSeq: number,
  badOffset: number,
  fileBytes: number,
): Promise<boolean> {
  const lastSeq = badSeq + Math.ceil((fileBytes - badOffset) / RECORD_HEADER_BYTES)
  for (let start = badOffset + 1; start + RECORD_HEADER_BYTES <= fileBytes; start += WINDOW_BYTES) {
    const window = await file.read(start, Math.min(WINDOW_BYTES + RECORD_HEADER_BYTES - 1, fileBytes - start))
    for (let at = 0; at + RECORD_HEADER_BYTES <= window.length; at++) {
      // Compares the number first, since that rules out nearly every position without a checksum.
      const seq = window.readUInt32LE(at + 8) + window.readUInt32LE(at + 12) * 4_294_967_296
      if (seq <= badSeq || seq > lastSeq) continue
      const header = decodeRecordHeader(window, at, seed)
      if (header !== null && header.syncedSeq >= badSeq) return true
    }
  }
  return false
}
