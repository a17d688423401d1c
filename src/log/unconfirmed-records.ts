import type { ReadFile } from '../disk/read-file.js'
import { RECORD_CRC_AT } from './format.js'
import type { ReadResult } from './record-reader.js'

const CRC_BYTES = 4
const WINDOW_BYTES = 1024 * 1024

/**
 * Records read from a log file before a later record confirmed that they are on stable storage. Until then the writer
 * may undo them and write others in their place.
 */
export class UnconfirmedRecords {
  #records: { seq: number; at: number; crc: number }[] = []

  add({ seq, syncedSeq, offset, crc }: Extract<ReadResult, { kind: 'record' }>): void {
    const confirmed = this.#records.findIndex((record) => record.seq > syncedSeq)
    this.#records.splice(0, confirmed < 0 ? this.#records.length : confirmed)
    this.#records.push({ seq, at: offset + RECORD_CRC_AT, crc })
  }

  clear(): void {
    this.#records = []
  }

  /** Whether all of them are still as they were read. */
  async areIn(file: ReadFile): Promise<boolean> {
    const end = (this.#records.at(-1)?.at ?? 0) + CRC_BYTES
    let window: Buffer = Buffer.alloc(0)
    let start = 0
    for (const { at, crc } of this.#records) {
      if (at + CRC_BYTES > start + window.length) {
        window = await file.read(at, Math.min(WINDOW_BYTES, end - at))
        start = at
        if (window.length < CRC_BYTES) return false
      }
      if (window.readUInt32LE(at - start) !== crc) return false
    }
    return true
  }
}
