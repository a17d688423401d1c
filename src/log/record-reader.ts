import type { ReadFile } from '../disk/read-file.js'
import { crc32c } from '../native/checksum.js'
import { decodeRecordHeader, FILE_HEADER_BYTES, RECORD_CRC_AT, RECORD_HEADER_BYTES } from './format.js'

/** Bytes read at once; a longer record is read on its own. */
const WINDOW_BYTES = 1024 * 1024
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512

/** `body` is a view that lasts until the next call; `crc` is that of the header, in which the body's is. */
export type ReadResult =
  | { kind: 'record'; seq: number; syncedSeq: number; crc: number; offset: number; end: number; body: Buffer }
  | { kind: 'end' }
  /** `torn`: as a write leaves it that never finished; otherwise these bytes were whole once and have changed. */
  | { kind: 'bad'; offset: number; torn: boolean; reason: string }

/** Reads the records of one log file in order, a window at a time. */
export class RecordReader {
  #window: Buffer = Buffer.alloc(0)
  /** Where in the file the window begins. */
  #start = 0
  #offset: number
  #nextSeq: number

  constructor(
    private readonly file: ReadFile,
    private readonly seed: number,
    firstSeq: number,
    /** Bytes beyond are not looked at; may grow. */
    public limit: number,
    offset = FILE_HEADER_BYTES,
  ) {
    this.#nextSeq = firstSeq
    this.#offset = offset
  }

  /** Where the next record begins. */
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

  /** Forgets what was read ahead, to see what a writer has put there since. */
  refresh(limit: number): void {
    this.limit = limit
    this.#window = Buffer.alloc(0)
  }

  /** Fewer bytes than asked for only at the limit or the end of the file. */
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
 * True when a sector, as far as the bytes reach into it, is all zero: so a log file looks where the disk never
 * wrote what the file's length already covers.
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
 * Looks behind a bad record for one that was written when the bad one was already on stable storage. Its header
 * alone proves it: no power cut can explain the damage then.
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
      // The number is looked at first: it rules out nearly every place without a checksum.
      const seq = window.readUInt32LE(at + 8) + window.readUInt32LE(at + 12) * 4_294_967_296
      if (seq <= badSeq || seq > lastSeq) continue
      const header = decodeRecordHeader(window, at, seed)
      if (header !== null && header.syncedSeq >= badSeq) return true
    }
  }
  return false
}
