import { isMissing } from '../disk/io-errors.js'
import type { ReadFile } from '../disk/read-file.js'
import type { LogEntry } from './record.js'
import { RecordReader } from './record-reader.js'
import { damaged, type LogFile, type LogFolder, listLogFiles } from './recovery.js'
import { decodeAt } from './replay.js'
import { UnconfirmedRecords } from './unconfirmed-records.js'

/** Bytes of records one poll returns before it leaves the rest to the next. */
const POLL_BYTES = 16 * 1024 * 1024

/**
 * `reload`: the records that come next are gone from the log, so they are in the table by now; or the writer has taken back
 * some that were returned.
 */
export type Followed = { state: 'entries'; entries: LogEntry[] } | { state: 'reload' }

interface OpenLogFile {
  file: ReadFile
  info: LogFile
  reader: RecordReader
}

/**
 * Reads a log that another process writes. It takes no lock and changes nothing; files may grow, be cut back
 * (a write that found no room) and vanish (a trim) under it. Bytes that make no record yet are waited for.
 */
export class LogFollower {
  #open: OpenLogFile | null = null
  /** Of those returned, in the file of this path. */
  readonly #unconfirmed = new UnconfirmedRecords()
  #path = ''
  #nextSeq: number

  constructor(
    private readonly log: LogFolder,
    afterSeq: number,
  ) {
    this.#nextSeq = afterSeq + 1
  }

  /** The last record returned. */
  get seq(): number {
    return this.#nextSeq - 1
  }

  /** Records that came since the last call; none when there is nothing new. */
  async poll(): Promise<Followed> {
    try {
      return await this.#poll()
    } catch (cause) {
      // The next poll begins anew behind the last record that was returned: this one's reader may be farther.
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

  /** What to do at the end of what a file has. */
  async #moveOn({ info, file, reader }: OpenLogFile, fileBytes: number): Promise<'again' | 'wait' | 'reload'> {
    const files = await listLogFiles(this.log)
    const later = files.find((candidate) => candidate.firstSeq > info.firstSeq)
    // One that the writer could not use goes again, and it writes on in the one before; or makes it anew.
    if (!later) return (await file.isRemoved()) ? 'reload' : 'wait'
    // The writer may have put its last records here after the look at the file's size.
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
      // One that begins with what was read in the file before: there it was taken back.
      if (this.#path !== '' && info.firstSeq < this.#nextSeq) return null
      // The writer begins a file when all before it is on stable storage.
      this.#unconfirmed.clear()
    }
    const file = await this.log.disk.openRead(info.path)
    this.#path = info.path
    this.#open = { file, info, reader: new RecordReader(file, info.seed, info.firstSeq, info.bytes) }
    return this.#open
  }
}
