import { VicinalError } from '../core/errors.js'
import { isMissing } from '../disk/io-errors.js'
import type { ReadFile } from '../disk/read-file.js'
import { FileLog } from './file-log.js'
import { RECORD_CRC_AT } from './format.js'
import type { LogEntry } from './record.js'
import { type ReadResult, RecordReader } from './record-reader.js'
import { damaged, type LogFile, type LogFolder, listLogFiles } from './recovery.js'
import { decodeAt } from './replay.js'

/** Bytes of records that one poll returns, about; the rest comes with the next poll. */
const POLL_BYTES = 16 * 1024 * 1024
const CRC_BYTES = 4
const WINDOW_BYTES = 1024 * 1024

/**
 * `reload`: the next records are no longer in the log, so the table has them; or the writer has undone returned
 * records.
 */
export type Followed =
  // `isPart`: there may be more records now.
  { state: 'entries'; entries: LogEntry[]; isPart?: true } | { state: 'reload' }

interface OpenLogFile {
  file: ReadFile
  info: LogFile
  reader: RecordReader
}

/**
 * Reads a log that another process writes. It takes no lock and changes nothing. Files may grow, may be truncated
 * (after a write without space) and may be removed (by a trim) meanwhile. Bytes that form no whole record yet are read
 * later.
 */
export class LogFollower {
  #open: OpenLogFile | null = null
  /** Returned records of the file at `#path` that are not confirmed yet. */
  readonly #unconfirmed = new UnconfirmedRecords()
  #path = ''
  #nextSeq: number

  constructor(
    private readonly log: LogFolder,
    afterSeq: number,
  ) {
    this.#nextSeq = afterSeq + 1
  }

  /** The number of the last returned record. */
  get seq(): number {
    return this.#nextSeq - 1
  }

  /** Returns the records since the last call, or none. */
  async poll(): Promise<Followed> {
    try {
      return await this.#poll()
    } catch (cause) {
      // The next poll starts over after the last returned record, because this reader may be ahead of it.
      await this.close().catch(() => undefined)
      if (!isMissing(cause)) throw cause
      return { state: 'reload' }
    }
  }

  async close(): Promise<void> {
    await this.#open?.file.close()
    this.#open = null
  }

  async #poll(): Promise<Followed> {
    const entries: LogEntry[] = []
    let bytes = 0
    while (bytes < POLL_BYTES) {
      const open = this.#open ?? (await this.#find())
      if (open === null) return { state: 'reload' }
      const fileBytes = await open.file.size()
      if (fileBytes < open.reader.offset || !(await this.#unconfirmed.areIn(open.file))) return { state: 'reload' }
      open.reader.refresh(fileBytes)
      let result = await open.reader.next()
      while (result.kind === 'record' && bytes < POLL_BYTES) {
        if (result.seq >= this.#nextSeq) {
          entries.push({ seq: result.seq, record: decodeAt(open.info.path, result.offset, result.body) })
          this.#nextSeq = result.seq + 1
          this.#unconfirmed.add(result)
          bytes += result.end - result.offset
        }
        if (bytes < POLL_BYTES) result = await open.reader.next()
      }
      if (result.kind === 'record') continue
      const move = await this.#moveOn(open, fileBytes)
      if (move === 'reload') return { state: 'reload' }
      if (move === 'wait') break
    }
    return { state: 'entries', entries }
  }

  /** Decides how to go on at the end of a file. */
  async #moveOn({ info, file, reader }: OpenLogFile, fileBytes: number): Promise<'again' | 'wait' | 'reload'> {
    const files = await listLogFiles(this.log)
    const later = files.find((candidate) => candidate.firstSeq > info.firstSeq)
    // A file that the writer could not use is removed. The writer then goes on in the file before, or creates it again.
    if (!later) return (await file.isRemoved()) ? 'reload' : 'wait'
    // The writer may have added its last records after the file's size was read.
    if ((await file.size()) > fileBytes) return 'again'
    if (later.firstSeq === reader.nextSeq) {
      await this.close()
      return 'again'
    }
    if (!files.some((candidate) => candidate.path === info.path)) return 'reload'
    throw damaged(info.path, reader.offset, `records ${reader.nextSeq} to ${later.firstSeq - 1} are missing`)
  }

  async #find(): Promise<OpenLogFile | null> {
    const files = await listLogFiles(this.log)
    const info = files.findLast((file) => file.firstSeq <= this.#nextSeq)
    if (!info) return null
    if (info.path !== this.#path) {
      // This file begins with records that were read from the file before, so they were undone there.
      if (this.#path !== '' && info.firstSeq < this.#nextSeq) return null
      // The writer begins a file only when all earlier records are on stable storage.
      this.#unconfirmed.clear()
    }
    const file = await this.log.disk.openRead(info.path)
    this.#path = info.path
    this.#open = { file, info, reader: new RecordReader(file, info.seed, info.firstSeq, info.bytes) }
    return this.#open
  }
}

/**
 * Records read from a log file before a later record confirmed that they are on stable storage. Until then the writer
 * may undo them and write others in their place.
 */
class UnconfirmedRecords {
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

/** Copies the records above `afterSeq` up to `throughSeq` to the log of another collection, on stable storage. */
export async function copyLog(from: LogFolder, to: LogFolder, afterSeq: number, throughSeq: number): Promise<void> {
  const log = await FileLog.open({ ...to, cleanEnd: null, flushedSeq: afterSeq, create: true })
  const follower = new LogFollower(from, afterSeq)
  try {
    let durable = Promise.resolve()
    while (log.lastSeq < throughSeq) {
      const followed = await follower.poll()
      if (followed.state === 'reload' || followed.entries.length === 0) {
        throw new VicinalError('CORRUPT', `${from.folder}: the log ends at ${follower.seq}, expected ${throughSeq}`)
      }
      for (const { seq, record } of followed.entries) {
        if (seq <= throughSeq) durable = log.append(seq, record).durable
      }
      await durable
    }
  } finally {
    await follower.close()
    await log.close()
  }
  if (log.failure) throw log.failure
}
